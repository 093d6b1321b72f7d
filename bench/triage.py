"""How long triage takes a message, against one pass of split and set look-up. Prints p50 and p95.

Processor time of this process: other work on the machine does not count.

Run: python bench/triage.py
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bot.answering.scope import Scope
from bot.answering.triage import Triage
from bot.records import Contact, Question, Turn
from bot.rules import load_rules

MESSAGES = (
    "What is GVHD?",
    "no fever but shaking chills",
    "my temp is 38,6 and I feel awful, do I need to call?",
    "I was wondering how long people usually stay in hospital after an allogeneic transplant",
    "My husband is 40 days after his transplant. He has a rash on his arms and his stomach hurts, "
    "but no fever. He took all his tablets this morning. Should we call someone?",
    "What foods should I avoid, and can I go to a restaurant with my family? " * 6,
    "I cant breath and my chest is tight pls help what do i do",
    "there is a river of red coming from down below",  # no phrase: the examples are compared
    # Words that no list knows: each is looked for among the slips, and none is remembered.
    "hubbys haemoglobin dropped agian, Addenbrookes said wibble, is cyclophosphamyde normall?",
)
ROUNDS = 300
KEYWORDS = frozenset("fever bleeding chest breathe seizure rash diarrhea suicide overdose".split())


def _times(call: Callable[[str], object]) -> list[float]:
    taken = []
    for _ in range(ROUNDS):
        for text in MESSAGES:
            start = time.process_time()
            call(text)
            taken.append((time.process_time() - start) * 1000)
    return taken


def _show(name: str, taken: list[float]) -> float:
    cuts = statistics.quantiles(taken, n=20)
    print(f"{name:34} p50 {cuts[9]:.4f} ms   p95 {cuts[18]:.4f} ms   max {max(taken):.4f} ms")
    return cuts[9]


def main() -> None:
    start = time.process_time()
    rules = load_rules()
    print(f"load_rules {time.process_time() - start:.3f} s, once per process")
    triage = Triage(rules, region="US", fever_celsius=38.0, contact=Contact(name="the unit"))
    scope = Scope(rules)
    history = (Turn(role="user", text=MESSAGES[4]), Turn(role="bot", text=MESSAGES[5]))
    base = _show("baseline: split and set look-up", _times(lambda t: KEYWORDS & set(t.split())))
    alone = _show("triage", _times(lambda t: triage(Question(text=t))))
    _show(
        "triage with two turns of history",
        _times(lambda t: triage(Question(text=t, history=history))),
    )
    _show("scope", _times(lambda t: scope(Question(text=t))))
    print(f"triage / baseline at p50: {alone / base:.0f}")
    for size in (2_000, 20_000, 200_000):
        text = ("What can I eat? " * (size // 16)) + "I cannot breathe"
        start = time.process_time()
        found = triage(Question(text=text)).alert
        took = (time.process_time() - start) * 1000
        print(f"{size} characters: {took:.1f} ms, {found.level if found else 'missed'}")


if __name__ == "__main__":
    main()
