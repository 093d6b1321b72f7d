"""Language: other languages are told so in their own; English, however spelt, is answered."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.answering.language import Language
from bot.records import Question
from bot.rules import load_rules

RULES = load_rules()
language = Language(RULES)
BY_CODE = {rule.code: rule for rule in RULES.languages.language}
CASES = Path(__file__).parent / "safety_cases"
ENGLISH = [
    text
    for file in sorted((*CASES.glob("triage.toml"), *CASES.glob("scope*.toml")))
    for texts in tomllib.loads(file.read_text("utf-8")).values()
    for text in texts
]


IN_OTHER_LANGUAGES = [
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
    ("ht", "Mwen gen lafyèv apre grèf la, kisa pou m fè?"),
    ("ht", "konbyen tan yon grèf mwèl zo pran"),
    ("so", "waxaan qabaa qandho, maxaan sameeyaa?"),
    ("so", "maxay tahay beeridda dhuuxa lafta"),
]


@pytest.mark.parametrize(("code", "text"), IN_OTHER_LANGUAGES)
def test_other_languages_are_known(code: str, text: str) -> None:
    assert language(Question(text=text)) == BY_CODE[code]


def test_the_most_spoken_languages_of_the_us_and_the_uk_are_there() -> None:
    """R28. Tagalog stands for Filipino, Chinese for all of its spoken forms."""
    assert BY_CODE.keys() >= {
        "es", "zh", "tl", "vi", "ar", "fr", "ko", "ru", "pt", "hi", "de", "ht", "pl", "ur", "bn",
        "pa", "gu", "it", "ro", "fa", "tr", "ta", "so",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "text", "code"),
    [
        ("es", "fiebre", "es"),
        ("es-MX", "trasplante autólogo", "es"),
        ("es", "GVHD", None),
        ("es", "que", "es"),
        ("es", "What is engraftment?", None),
        ("es", "hospital", None),
        ("en", "fiebre", None),
        (None, "fiebre", None),
    ],
)
def test_the_language_of_the_page_decides_where_one_word_says_little(
    locale: str | None, text: str, code: str | None
) -> None:
    found = language(Question(text=text, locale=locale))
    assert (found.code if found else None) == code


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
    assert len(BY_CODE) >= 30
    for rule in RULES.languages.language:
        assert len(rule.when_ill) > 20, rule.code
        assert rule.message.startswith(rule.only_english)
        assert rule.message.endswith(rule.when_ill)
        # Whom to call when ill, and whom in danger: two sentences.
        assert len(re.findall(r"[.!?](?:\s|$)|[。।۔]| โปรด", rule.when_ill + " ")) >= 2, rule.code
