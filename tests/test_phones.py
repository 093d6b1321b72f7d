"""Phones: only the number is dialled."""

from __future__ import annotations

import pytest

from bot.phones import tel_link


@pytest.mark.parametrize(
    ("written", "link"),
    [
        ("+1 555 0100 x7", "tel:+15550100"),
        ("555-0100 x7", "tel:5550100"),
        ("555 0100x7", "tel:5550100"),
        ("555 0100 ext 7", "tel:5550100"),
        ("555 0100, ext. 12", "tel:5550100"),
        ("555 0100 (extension 12)", "tel:5550100"),
        ("555 0100 option 2", "tel:5550100"),
        ("555 0100 then 3", "tel:5550100"),
        ("555 0100 #4", "tel:5550100"),
        ("+44 (0)20 7946 0018 ext 12", "tel:+442079460018"),
        ("(+44) 20 7946 0018", "tel:+442079460018"),
        ("020 7946 0018", "tel:02079460018"),
        ("*77", "tel:*77"),
        ("ask at the desk", None),
        ("", None),
    ],
)
def test_only_the_number_is_dialled(written: str, link: str | None) -> None:
    assert tel_link(written) == link
