"""How the words of an alert stand around its buttons: what it is comes first, then whom to call,
then the rest. On a small phone the buttons must be on the screen with the first words."""

from __future__ import annotations

import re

from bot.text import sentence_spans

_TELLS_TO_CALL = re.compile(r"\b(?:call|llam[ea])", re.IGNORECASE)
MOST = 120


def around_the_buttons(message: str) -> tuple[str, str]:
    """What stands above the buttons and what stands below. Above are the first sentence and those
    before the one that tells to call, as far as they are short: what to do first ("clamp the
    line") is read before a button is pressed."""
    end = 0
    for span in sentence_spans(message):
        said = span.of(message)
        if end and (span.end > MOST or _TELLS_TO_CALL.search(said)):
            break
        end = span.end
    return message[:end].strip(), message[end:].strip()
