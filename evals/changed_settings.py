"""Settings with some values changed: a system to measure beside the one that is served."""

from __future__ import annotations

from typing import Any

from bot.settings import Settings


def changed(settings: Settings, **groups: dict[str, Any]) -> Settings:
    """A copy with other values, by group: `changed(settings, retrieval={"keep": 40})`."""
    return settings.model_copy(
        update={
            name: getattr(settings, name).model_copy(update=values)
            for name, values in groups.items()
        }
    )
