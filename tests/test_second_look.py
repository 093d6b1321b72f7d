"""The second look: it adds alarms and declines, takes none away, and the rules stand without it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from bot.answering.flow import Bot
from bot.answering.screening import Screener
from bot.answering.second_look import MODEL_FILE, Decider, Limits, load_model, pieces
from bot.answering.triage import LIKENED, Triage
from bot.errors import ModelError, QuestionError, RulesError
from bot.explaining import explain
from bot.indexing.embedding import Embedder
from bot.raised import Look, Raised
from bot.records import Contact, Question
from bot.rules import load_rules
from bot.settings import Answering, Settings
from bot.tuned import DOWN, UP, layer_names
from evals.average_second_look import mean
from evals.safety_eval import cases

LABELS = ("chest-pain", "crisis-danger", "fever", "harmless", "rash")
LEVELS = {
    "chest-pain": "emergency", "crisis-danger": "crisis", "fever": "urgent", "rash": "call_today",
}  # fmt: skip
LIMITS = Limits(
    alarm=1,
    higher=2,
    crisis_alone=0.25,
    crisis=-1,
    emergency=1,
    own_case=1,
    share=0.35,
    sentence=0.4,
    words=0.5,
    grave=2,
    lower=1,
    asks=0.5,
    requests=0.5,
)


@pytest.fixture(scope="module")
def rules():
    return load_rules()


@pytest.fixture(scope="module")
def triage(rules) -> Triage:
    return Triage(rules, region="US", fever_celsius=38.0, contact=Contact(name="the clinic"))


@pytest.fixture(scope="module")
def screen(rules, triage) -> Screener:
    return Screener.open(rules, triage, Embedder())


def scores(**odds: float) -> np.ndarray:
    """A row of scores; what is not named is far below harmless."""
    row = [odds.get(label.replace("-", "_"), -9.0) for label in LABELS]
    row[LABELS.index("harmless")] = 0.0
    two = [odds.get("own", -9.0), odds.get("emergency", -9.0)]
    return np.array([[*row, *two]], dtype=np.float32)


def decided(decider: Decider, found: np.ndarray, level=None, points=0.0, phrases=frozenset()):
    odds = decider.odds(found, points, phrases)
    return decider.alarm(odds, level), decider.own_case(odds)


def test_a_crisis_has_a_limit_of_its_own_where_the_rules_found_nothing() -> None:
    decider = Decider(LABELS, LEVELS, LIMITS)
    alarm, _ = decided(decider, scores(crisis_danger=0.5))
    assert alarm and alarm.rule_id == "crisis-danger"
    assert decided(decider, scores(crisis_danger=0.2))[0] is None
    assert decided(decider, scores(chest_pain=0.5))[0] is None, "other signs need the full limit"
    assert decided(decider, scores(crisis_danger=0.26, fever=0.27))[0] is None, (
        "a fever is likelier"
    )
    assert decided(decider, scores(crisis_danger=0.5), "urgent")[0] is not None
    assert decided(decider, scores(crisis_danger=-2.5), "urgent")[0] is None


def test_points_of_the_words_count_for_a_request() -> None:
    decider = Decider(LABELS, LEVELS, LIMITS)
    rows = scores(own=0.2)
    assert decider.own_case(decider.odds(rows)) is None
    assert decider.own_case(decider.odds(rows, asked=2.0))
    assert decider.own_case(decider.odds(scores(own=1.5), asked=-2.0)) is None


def test_the_likeliest_rule_of_the_highest_level_that_holds_its_share_is_raised() -> None:
    decider = Decider(LABELS, LEVELS, LIMITS)
    alarm, own = decided(decider, scores(fever=3.0, rash=3.5))
    assert alarm is not None
    assert alarm.rule_id == "fever"  # nearly as likely as the rash, and more urgent
    assert own is None
    alarm, own = decided(decider, scores(fever=-2.0, rash=3.5, own=2.0))
    assert alarm is not None
    assert (alarm.rule_id, own is not None) == ("rash", True)
    assert alarm.score > alarm.threshold
    assert decided(decider, scores(rash=0.9))[0] is None


def test_above_a_level_that_was_found_only_a_higher_one_is_raised() -> None:
    decider = Decider(LABELS, LEVELS, LIMITS)
    assert decided(decider, scores(fever=9.0), "urgent")[0] is None
    assert decided(decider, scores(fever=1.5), "call_today")[0] is None, "below `higher`"
    raised = decided(decider, scores(fever=2.5), "call_today")[0]
    assert raised is not None
    assert raised.rule_id == "fever"
    assert decided(decider, scores(crisis_danger=9.0), "emergency")[0] is None


def test_a_crisis_is_raised_above_a_lower_sign_where_it_is_as_likely_as_all_else() -> None:
    decider = Decider(LABELS, LEVELS, LIMITS)
    alarm = decided(decider, scores(crisis_danger=1.6, rash=1.5), "urgent")[0]
    assert alarm is not None, "against harmless alone it is below `higher`"
    assert alarm.rule_id == "crisis-danger"
    assert decided(decider, scores(crisis_danger=1.6, rash=5.0), "urgent")[0] is None
    assert decided(decider, scores(crisis_danger=-2.0), "urgent")[0] is None
    without = Decider(("fever", "harmless", "rash"), LEVELS, LIMITS)
    row = np.array([[3.0, 0.0, 1.0, -9.0, 9.0]], dtype=np.float32)
    raised = decided(without, row, "call_today")[0]
    assert raised is not None, "a model without such labels raises none"
    assert raised.rule_id == "fever"


def test_an_emergency_is_raised_above_a_lower_sign_by_a_head_of_its_own() -> None:
    decider = Decider(LABELS, LEVELS, LIMITS)
    raised = decided(decider, scores(chest_pain=-1.0, fever=4.0, emergency=1.1), "urgent")[0]
    assert raised is not None
    assert raised.rule_id == "chest-pain"
    assert decided(decider, scores(chest_pain=-1.0, fever=4.0, emergency=0.9), "urgent")[0] is None
    assert decided(decider, scores(fever=4.0, emergency=9.0), "crisis")[0] is None
    alarm = decided(decider, scores(fever=4.0, emergency=9.0))[0]
    assert alarm is not None
    assert alarm.rule_id == "fever", "where the rules found nothing the labels decide"


def test_a_request_for_a_decision_takes_something_off_a_sign() -> None:
    decider = Decider(LABELS, LEVELS, LIMITS)
    assert decided(decider, scores(crisis_danger=2.0))[0] is not None
    alarm, own = decided(decider, scores(crisis_danger=2.0, own=4.0))
    assert alarm is None
    assert own is not None
    assert decided(decider, scores(crisis_danger=4.0, own=4.0))[0] is not None
    assert decided(decider, scores(crisis_danger=2.0, own=-4.0))[0] is not None


def test_points_and_phrases_count_beside_the_model() -> None:
    decider = Decider(LABELS, LEVELS, LIMITS)
    weak = scores(fever=0.5)
    assert decided(decider, weak)[0] is None
    assert decided(decider, weak, points=2.0)[0] is not None
    assert decided(decider, weak, phrases=frozenset({"said lower"}))[0] is not None
    assert decided(decider, scores(fever=2.0), points=-4.0)[0] is None


def test_a_sign_in_one_sentence_of_several_counts() -> None:
    decider = Decider(LABELS, LEVELS, LIMITS)
    rows = np.vstack([scores(fever=0.2), scores(), scores(fever=3.0)])
    assert decided(decider, rows)[0] is not None
    assert pieces("One.  Two things.\n...") == ["One. Two things. ...", "One.", "Two things."]
    assert pieces("only one") == ["only one"]
    many = pieces(" ".join(f"This is number {n}." for n in range(40)))
    assert len(many) == 13
    assert many[1] == "This is number 0."
    assert many[-1] == "This is number 39."


def test_the_file_names_rules_and_belongs_to_its_weights(rules, tmp_path: Path) -> None:
    file, heads, changes = load_model()
    assert set(file.labels) - {"harmless"} <= {rule.id for rule in rules.flags}
    assert heads.vector.shape == (384, len(file.labels) + 2)
    assert sorted(changes) == sorted(n + end for n in layer_names(6) for end in (DOWN, UP))
    for suffix in (".toml", ".npz"):
        shutil.copy(MODEL_FILE.with_suffix(suffix), tmp_path / f"look{suffix}")
    arrays = tmp_path / "look.npz"
    arrays.write_bytes(arrays.read_bytes()[:-1] + b"x")
    with pytest.raises(RulesError, match="not the file that it was written with"):
        load_model(tmp_path / "look.toml")


@pytest.mark.usefixtures("full_precision")
def test_changes_that_do_not_fit_are_an_error_and_none_is_the_model_itself() -> None:
    bare = Embedder(use_adapter=False)
    texts = ["I am so tired", "what is a stem cell transplant?"]
    alone = bare.embed_documents(texts)
    foreign = {"nowhere" + DOWN: np.zeros((1, 1)), "nowhere" + UP: np.zeros((1, 1))}
    layer = layer_names(1)[0]
    narrow = {layer + DOWN: np.zeros((1, 384)), layer + UP: np.zeros((383, 1))}
    for changes in (foreign, narrow):
        bare.attach(changes)
        with pytest.raises(ModelError, match="do not fit"):
            bare.tuned(texts)
        assert np.array_equal(bare.embed_documents(texts), alone), "it embeds as before"
    bare.attach({})
    plain = bare.tuned(texts)
    plain /= np.linalg.norm(plain, axis=1, keepdims=True)
    assert np.allclose(plain, alone, atol=1e-4)


@pytest.mark.usefixtures("full_precision")
def test_one_pass_gives_what_two_would_and_each_text_is_read_by_its_own_model() -> None:
    _, _, changes = load_model()
    both, once = Embedder(), Embedder(use_adapter=False)
    both.attach(changes)
    long = "I have been home for nine days and nobody told me what to do about the tiredness."
    queries, texts = ["when do cells grow", "what is gvhd"], [long, "yes", "I cannot go on"]
    readings, tuned = both.read_beside(queries, texts)
    for query, made in zip(queries, readings, strict=True):
        alone = both.read_query(query)
        assert made.words == alone.words
        assert np.allclose(made.vector, alone.vector, atol=1e-5)
        assert np.allclose(made.vectors, alone.vectors, atol=1e-5)
    assert np.allclose(tuned, both.tuned(texts), atol=1e-4)
    plain = once.tuned(texts)
    assert np.abs(tuned - plain).max() > 0.1, "the changes change something"
    # What a low-rank change is: the same as the weights with up @ down added to them.
    added = Embedder(use_adapter=False)
    model = added._model[0].auto_model
    with torch.no_grad():
        for name, layer in model.named_modules():
            if name + DOWN in changes:
                up, down = (changes[name + end].astype("float32") for end in (UP, DOWN))
                layer.weight += torch.from_numpy(up @ down)
    assert np.allclose(tuned, added.tuned(texts), atol=1e-4)


def test_a_question_and_its_second_look_go_through_the_model_once(
    real_bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    forward = Embedder._read

    def counted(self, texts, prefix, *, beside=()):
        passes.append((len(texts), len(beside)))
        return forward(self, texts, prefix, beside=beside)

    monkeypatch.setattr(Embedder, "_read", counted)
    assert real_bot.ask(Question(text="how long will i be in hospital")).outcome == "answered"
    # With its abbreviations spelled out for the passages, and as typed for the stored questions.
    assert real_bot.ask(Question(text="What is chronic GVHD?")).outcome == "answered"
    # Beside them only headings offered below an answer, each looked at once and then remembered.
    assert [each for each in passes if each != (0, 1)] == [(1, 1), (2, 1)]
    passes.clear()
    assert real_bot.ask(Question(text="What is chronic GVHD?")).outcome == "answered"
    assert passes == [(2, 1)]


class Fixed:
    """Raises what it is told to; counts how often it is asked."""

    def __init__(self, look: Look | None) -> None:
        self.look, self.asked = look, 0

    def grave(self, text, found, heard) -> str | None:
        raise RuntimeError("out of memory")

    def __call__(self, text, level, found, vectors, heard) -> Look:
        self.asked += 1
        if self.look is None:
            raise ModelError("no model")
        return self.look


RAISED = Look(alarm=Raised(rule_id="fever", score=0.9, threshold=0.5))


def test_it_adds_what_the_rules_missed_and_is_not_asked_where_they_stop(triage) -> None:
    look = Fixed(RAISED)
    screening, seen = Screener(triage, look)(Question(text="what is a graft"))
    assert screening.alert is not None
    assert (screening.alert.rule_id, seen) == ("fever", RAISED)
    screening, seen = Screener(triage, look)(Question(text="I can't breathe"))
    assert screening.alert is not None
    assert (screening.alert.level, seen, look.asked) == ("emergency", Look(), 1)
    screening, seen = Screener(triage, look)(Question(text="que es un injerto"), english=False)
    assert (screening.alert, seen, look.asked) == (None, Look(), 1)


def test_it_raises_no_crisis_of_what_the_rules_read_as_long_over(triage) -> None:
    old = Question(text="I took an overdose at nineteen, thirty years ago, and am well since")
    crisis = Look(alarm=Raised(rule_id="crisis-danger", score=0.9, threshold=0.5))
    screening, seen = Screener(triage, Fixed(crisis))(old)
    assert (screening.alert, seen) == (None, Look())
    screening, seen = Screener(triage, Fixed(RAISED))(old)
    assert screening.alert is not None
    assert (screening.alert.rule_id, seen) == ("fever", RAISED)
    screening, seen = Screener(triage, Fixed(crisis))(Question(text="what is a graft"))
    assert screening.alert is not None
    assert (screening.alert.level, seen) == ("crisis", crisis)


def test_it_raises_no_crisis_of_the_bare_fear_of_dying(triage) -> None:
    look = Fixed(Look(alarm=Raised(rule_id="crisis-thoughts", score=0.9, threshold=0.5)))
    assert Screener(triage, look)(Question(text="i dont want to die"))[0].alert is None
    more = Question(text="i dont want to die and leave them like this")
    alert = Screener(triage, look)(more)[0].alert
    assert alert is not None
    assert alert.level == "crisis"


def yes() -> bool:
    return True


TOWEL = Question(text="towel number four soaked red already")
"""Its words tell of something grave, no phrase of what; the examples next to it are of a crisis."""


def test_where_no_phrase_names_it_the_second_look_says_which_of_the_gravest_it_is(
    triage, screen
) -> None:
    alone, (screening, look) = triage(TOWEL), screen.first(TOWEL, english=yes)
    assert LIKENED in alone.found and alone.alert and screening.alert
    assert (alone.alert.level, screening.alert.level) == ("crisis", "emergency")
    assert look == Look(named="bleeding-heavy")
    phrased = Question(text="i want to die")
    assert screen.first(phrased, english=yes) == (triage(phrased), None)
    failing = Screener(triage, Fixed(None))
    assert failing.first(TOWEL, english=yes) == (alone, None)
    assert screen.first(TOWEL, english=lambda: False) == (alone, None)
    # Advice about what is denied stands beside it, and takes nothing from that.
    noticed = triage(
        Question(text="feel like there is no room to breathe my lungs are full, cant lie down")
    )
    assert noticed.notices and LIKENED in noticed.found


def test_the_card_and_the_explanation_say_what_the_second_look_named(real_bot: Bot) -> None:
    answer = real_bot.ask(TOWEL)
    assert answer.alert is not None
    assert (answer.outcome, answer.alert.rule_id) == ("emergency", "bleeding-heavy")
    assert "takes it for rule “bleeding-heavy”" in str(explain(answer))


def test_where_it_fails_or_finds_nothing_the_rules_stand(triage, caplog) -> None:
    question = Question(text="I have a temperature of 38.4")
    alone = triage(question)
    assert alone.alert is not None
    for look in (Fixed(None), Fixed(Look())):
        with caplog.at_level(logging.WARNING):
            assert Screener(triage, look)(question) == (alone, Look())
    assert "no second look" in caplog.text
    assert "38.4" not in caplog.text


def test_no_alarm_of_the_rules_is_lost_and_none_gets_lower(triage, screen) -> None:
    order = ("call_today", "urgent", "emergency", "crisis")
    seen = 0
    for kind in ("red_flags", "crisis"):
        for case in cases(kind, "batch_3"):
            alone, both = triage(case.question).alert, screen(case.question)[0].alert
            if alone:
                assert both is not None, case.id
                assert order.index(both.level) >= order.index(alone.level), case.id
                seen += 1
    assert seen > 100


def test_the_same_message_gives_the_same_look(screen) -> None:
    question = Question(text="I keep thinking the kids would manage if I let go of it all")
    assert screen(question) == screen(question)


def test_neither_a_refusal_nor_an_emergency_nor_a_contact_card_waits_for_the_model(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def called(*_: object, **__: object) -> None:
        pytest.fail("the second look was asked")

    monkeypatch.setattr(Screener, "again", called)
    bot = Bot.open(settings)
    with pytest.raises(QuestionError):
        bot.ask(Question(text=" "))
    assert bot.ask(Question(text="I can't breathe")).outcome == "emergency"
    only = settings.model_copy(update={"answering": Answering(contact_card_only=True)})
    assert Bot.open(only).ask(Question(text="what is a graft")).reason == "contact card only"


def test_the_mean_of_two_trainings_is_the_mean_of_what_they_change() -> None:
    made = np.random.default_rng(1)
    one, two = (
        {
            "layer" + DOWN: made.normal(size=(2, 3)).astype(np.float16),
            "layer" + UP: made.normal(size=(4, 2)).astype(np.float16),
            "heads": made.normal(size=(5, 3)),
            "labels": np.array(["fever", "harmless", "rash"]),
        }
        for _ in range(2)
    )
    both = mean([one, two])
    changes = [m["layer" + UP].astype(float) @ m["layer" + DOWN].astype(float) for m in (one, two)]
    assert both["layer" + UP].astype(float) @ both["layer" + DOWN] == pytest.approx(
        sum(changes) / 2, abs=5e-3
    )
    assert both["heads"] == pytest.approx((one["heads"] + two["heads"]) / 2)
    with pytest.raises(ValueError, match="labels or layers"):
        mean([one, {**two, "another" + UP: two["heads"]}])
