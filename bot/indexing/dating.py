"""Dates of a document that cannot be right, or that run out. Warnings, not failures."""

from __future__ import annotations

from datetime import date, timedelta

from bot.records import SourceInfo

_DAY = timedelta(days=1)
"""A leaflet may be dated in a time zone that is a day ahead."""


def date_warnings(info: SourceInfo, today: date) -> tuple[str, ...]:
    """What the reader of an ingest report must look at, in order of the fields."""
    warnings = [
        f"{name} lies in the future ({value}); correct the date"
        for name, value in (("published", info.published), ("reviewed", info.reviewed))
        if value and value > today + _DAY
    ]
    if info.overdue(today):
        warnings.append(
            f"its review date has passed ({info.review_by}); it may not be quoted until someone "
            "has read it again and set a new review_by"
        )
    return tuple(warnings)


def runs_out_within(info: SourceInfo, today: date, days: timedelta) -> bool:
    """Whether its review date has not passed yet and lies no further off than `days`."""
    return info.review_by is not None and today <= info.review_by <= today + days
