"""Language: other languages are told so in their own; English, however spelt, is answered."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from bot.answering.language import Language
from bot.records import Question
from bot.rules import load_rules

RULES = load_rules(today=date(2026, 11, 22))
language = Language(RULES)
BY_CODE = {rule.code: rule.message for rule in RULES.languages.language}
CASES = Path(__file__).parent / "safety_cases"
ENGLISH = [
    text
    for file in sorted((*CASES.glob("triage.toml"), *CASES.glob("scope*.toml")))
    for texts in tomllib.loads(file.read_text("utf-8")).values()
    for text in texts
]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("es", "¿Cuánto tiempo estaré en el hospital después del trasplante?"),
        ("es", "tengo fiebre 39"),
        ("es", "que es la medula"),
        ("fr", "J'ai de la fièvre, que dois-je faire ?"),
        ("fr", "combien de temps dure une greffe"),
        ("de", "Ich habe Fieber, was soll ich tun?"),
        ("de", "Wie lange dauert eine Transplantation"),
        ("it", "quando posso tornare a casa dopo il trapianto"),
        ("pt", "quanto tempo dura o transplante de medula"),
        ("nl", "wat is een stamceltransplantatie"),
        ("pl", "co to jest przeszczep szpiku"),
        ("ro", "ce este un transplant de măduvă"),
        ("tr", "nakil sonrası ne zaman eve dönebilirim, ateşim var"),
        ("vi", "tôi bị sốt sau khi ghép tủy"),
        ("tl", "ano po ang bone marrow transplant"),
        ("cy", "mae gen i dwymyn ar ôl y trawsblaniad"),
        ("ru", "у меня температура после трансплантации"),
        ("uk", "що таке трансплантація і чи є ризик"),
        ("el", "έχω πυρετό"),
        ("ar", "ما هو زرع النخاع"),
        ("fa", "پیوند مغز استخوان چیست"),
        ("ur", "مجھے بخار ہے کیا کروں"),
        ("he", "יש לי חום"),
        ("hi", "मुझे बुखार है"),
        ("bn", "আমার জ্বর হয়েছে"),
        ("pa", "ਮੈਨੂੰ ਬੁਖਾਰ ਹੈ"),
        ("gu", "મને તાવ છે"),
        ("ta", "எனக்கு காய்ச்சல்"),
        ("ja", "移植の後に熱があります"),
        ("ko", "열이 나요"),
        ("zh", "移植后我发烧了怎么办"),
        ("th", "ฉันมีไข้"),
    ],
)
def test_other_languages_are_answered_in_their_own(code: str, text: str) -> None:
    assert language(Question(text=text)) == BY_CODE[code]


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_never_sent_away(text: str) -> None:
    assert language(Question(text=text)) is None


@pytest.mark.parametrize(
    "text",
    ["", "38.5", "🤒", "GVHD", "ANC BMT CMV?", "creme brulee and café food",
     "i haev fevr an shakin", "my name is José María, what is GVHD?", "wat is gvhd", "que?",
     "pls halp me plz", "d", "la", "Ι саn't brеаthе",
     "day care transplant", "cat scratched me after transplant", "toxoplasmosis cat transplant"],
)  # fmt: skip
def test_clipped_or_disguised_english_is_english(text: str) -> None:
    assert language(Question(text=text)) is None


def test_every_message_says_what_to_do_when_ill() -> None:
    assert len(BY_CODE) >= 28
    for rule in RULES.languages.language:
        assert len(rule.message) > 30, rule.code
