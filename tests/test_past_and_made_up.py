"""What takes an alarm away from grave words: years that have passed well, people who do not exist.
And what must not."""

from __future__ import annotations

import pytest

from tests.triaged import alarm


@pytest.mark.parametrize(
    "text",
    [
        "I took an overdose at nineteen. I'm sixty-three and very glad it failed. Does it go in"
        " the donor questionnaire?",
        "was suicidal in 2012, well since",
        "My wife tried to end her life 22 years ago, before I knew her. She's been well ever since."
        " Can she be my donor?",
    ],
)
def test_an_old_attempt_with_years_of_health_after_it_is_past(text: str) -> None:
    assert alarm(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "I took an overdose at nineteen, was well for years, and here I am again",
        "tried to end my life in 2012, well since, but tonight I want to die",
        "Took an overdose ten years ago, totally fine since, obviously, that's why I'm sat in the"
        " car with all my tablets on my lap",
        "My suicide attempt was fifteen years ago and I promised my wife never again. I don't think"
        " I can keep that promise.",
        "I took an overdose last month, I am fine now",
        "my mum died in 1999 i am fine now and happy i just need to kill myself",
        "what is there to stop me from jumping",
        "How does one get a parishioner help who has said that he means to end his life?",
    ],
)
def test_an_old_attempt_that_comes_back_is_a_crisis(text: str) -> None:
    assert alarm(text) == "crisis"


@pytest.mark.parametrize(
    "text",
    [
        "watched a medical drama last night and the man had chest pain after his transplant, is"
        " this in real life common?",
        "in the serial the man was vomiting blood after the bone marrow. It happens in reality?",
    ],
)
def test_people_in_a_film_raise_no_alarm(text: str) -> None:
    assert alarm(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "I was watching telly when the chest pain began",
        "we were in the middle of a film when my husband went blue and stopped breathing",
        "in the film the man was fine but my chest hurts and I cant breathe",
    ],
)
def test_a_sign_beside_a_film_alarms(text: str) -> None:
    assert alarm(text) == "emergency"
