"""The safety rules: data in TOML that a clinician can read, and what reads and applies them.

`load_rules()` is the way in, `load_contacts()` that to the numbers alone. Both fail closed: a rule
file that is missing, wrong, or was not reviewed within twelve months stops the bot from answering.
"""

from bot.rules.hearing import Hearing
from bot.rules.loading import MAX_AGE, load_contacts, load_rules
from bot.rules.ruleset import Message, Rules

__all__ = ["MAX_AGE", "Hearing", "Message", "Rules", "load_contacts", "load_rules"]
