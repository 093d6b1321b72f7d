"""The web app. `python app.py` serves it; any ASGI server can serve `app:app`."""

import os
import sys

# A question is short: two threads of the model wait for each other longer than they calculate
# (docs/operations.md). It must stand here before anything loads torch or numpy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from bot.errors import BotError
from bot.settings import load_settings
from bot.web.factory import create_app
from bot.web.serving import serve

try:
    settings = load_settings()
    app = create_app(settings)
except BotError as error:
    if __name__ != "__main__":
        raise
    print(f"Error: {error}\n{error.hint}", file=sys.stderr)
    raise SystemExit(error.exit_code) from None

if __name__ == "__main__":
    serve(settings, app=app)
