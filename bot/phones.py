"""Phone numbers as an operator writes them, made into `tel:` links.

One rule: only the number itself is dialled, never its extension or a note beside it.
"""

from __future__ import annotations

import re

# "555-0100 x7", "0100 ext. 12", "0100, option 2", "0100 then 3", "0100 #7"
_EXTENSION = re.compile(
    r"(?i)[\s,;(]*(?:\b(?:extension|extn|ext|x|option|opt|then|press|bleep|pager)(?![a-z])"
    r"|(?<=\d)x(?=\s*\d)|\s#\s*\d)"
)


def tel_link(phone: str) -> str | None:
    """The `tel:` link of a phone number, or None where the text holds no number to dial.

    A "+" at the front is kept, the "(0)" of an international number is left out, and what follows
    an extension or "then" is not dialled.
    """
    number = _EXTENSION.split(phone)[0]
    if "+" in number:
        number = number.replace("(0)", "")
    plus = "+" if number.strip().lstrip("(").startswith("+") else ""
    digits = re.sub(r"[^0-9*#]", "", number)
    return f"tel:{plus}{digits}" if sum(c.isdigit() for c in digits) >= 2 else None
