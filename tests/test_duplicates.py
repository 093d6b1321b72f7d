"""Twins and near twins among documents, and what ingest makes of them."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from bot.indexing.duplicates import NEAR, Near, Twins, _reduced, same_bytes
from bot.indexing.flow import FileReport, generations, ingest
from bot.indexing.lexical import PassageStore
from bot.settings import Settings
from tests.conftest import GUIDE, write_guide

WORDS = [f"word{n}" for n in range(3000)]


def text_of(seed: int, length: int = 400) -> list[str]:
    return random.Random(seed).choices(WORDS, k=length)


def jaccard(one: list[str], other: list[str]) -> float:
    sets = [{tuple(w[n : n + 5]) for n in range(len(w) - 4)} for w in (one, other)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def near(one: list[str], other: list[str], tmp_path: Path) -> Near | None:
    twins = Twins(path=tmp_path / "signatures.npz")
    assert twins.twin_of("one", "h1", " ".join(one)) is None
    assert twins.near_twin_of("one", "h1") is None
    assert twins.twin_of("two", "h2", " ".join(other)) is None
    return twins.near_twin_of("two", "h2")


def test_same_bytes_keep_the_indexed_one_or_the_first() -> None:
    contents = [(name, content, False) for name, content in zip("abcde", "12112", strict=True)]
    assert same_bytes(contents, {"e"}) == {"c": "a", "d": "a", "b": "e"}
    described = [*contents, ("f", "2", True)]
    assert same_bytes(described, {"e"}) == {"c": "a", "d": "a", "b": "f", "e": "f"}


@pytest.mark.parametrize("seed", range(8))
def test_the_estimate_is_near_the_true_share(seed: int, tmp_path: Path) -> None:
    one = text_of(seed)
    other = [*one]
    for place in random.Random(seed).sample(range(len(one)), 2):
        other[place] = "changed"
    found = near(one, other, tmp_path)
    assert found is not None
    assert (found.source_id, found.other) == ("two", "one")
    assert abs(found.similarity - jaccard(one, other)) < 0.1


def test_other_documents_are_not_near(tmp_path: Path) -> None:
    one = text_of(1)
    assert near(one, text_of(2), tmp_path) is None
    half = one[:200] + text_of(3, 200)
    assert jaccard(one, half) < NEAR - 0.2
    assert near(one, half, tmp_path) is None


def test_layout_makes_no_difference_but_signs_do(tmp_path: Path) -> None:
    twins = Twins(path=tmp_path / "signatures.npz")
    assert twins.twin_of("a", "1", "Call above  38.0.\n\nNow.") is None
    assert twins.twin_of("b", "2", "Call above 38.0. Now.") == "a"
    assert twins.twin_of("c", "3", "Call above 380. Now.") is None
    assert twins.twin_of("d", "4", "Call > 38. Now.") is None
    assert twins.twin_of("e", "5", "Call < 38. Now.") is None


@pytest.mark.parametrize("content", [None, b"broken", b"", b"PK\x03\x04"])
def test_signatures_are_kept_and_a_damaged_cache_is_only_slow(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "var" / "signatures.npz"
    asked: list[str] = []

    def stored(source_id: str) -> str:
        asked.append(source_id)
        return " ".join(text_of(1))

    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    for times_asked in (1, 1):
        twins = Twins(path=path)
        twins.remember({"one": "h" * 64}, stored)
        assert twins.twin_of("two", "g" * 64, " ".join(text_of(1))) == "one"
        twins.save()
        assert len(asked) == times_asked
    assert [p.name for p in path.parent.iterdir()] == ["signatures.npz"]


def test_reducing_gives_the_same_in_every_process() -> None:
    digest, signature = _reduced("Call your team now if you have a fever.")
    assert digest.startswith("49f1332746674d62")
    assert signature[:3].tolist() == [1608512673, 543641325, 1409912545]
    other_digest, same_words = _reduced("call your team NOW if you have a fever")
    assert other_digest != digest
    assert (same_words == signature).all()


def reports(settings: Settings, **options: bool) -> dict[str, FileReport]:
    return {f.source_id: f for f in ingest(settings, **options).files}


def sources(settings: Settings) -> set[str]:
    store = PassageStore.open(generations(settings).current().passages)
    try:
        return set(store.file_hashes())
    finally:
        store.close()


def test_the_same_document_twice_is_indexed_once(settings: Settings, knowledge: Path) -> None:
    shutil.copy(knowledge / "hair.md", knowledge / "copy-of-hair.md")
    body = (knowledge / "hair.md").read_text("utf-8")
    (knowledge / "other-front.md").write_text(body.replace("Test clinic", "Ward 7"), "utf-8")
    found = reports(settings)
    assert {s: r.change for s, r in found.items()} == {
        "copy-of-hair.md": "added",
        "engraftment.md": "added",
        "hair.md": "duplicate",
        "other-front.md": "duplicate",
    }
    assert found["hair.md"].warnings == (
        "the same content as copy-of-hair.md; indexed once, remove one of them",
    )
    assert sources(settings) == {"copy-of-hair.md", "engraftment.md"}
    again = ingest(settings)
    assert not again.swapped
    assert again.count("duplicate") == 2
    assert generations(settings).current().manifest().duplicates.keys() == {
        "hair.md",
        "other-front.md",
    }
    (knowledge / "copy-of-hair.md").unlink()
    assert reports(settings)["hair.md"].change == "added"
    assert sources(settings) == {"engraftment.md", "hair.md"}


def test_an_edit_that_makes_a_twin_takes_the_old_text_out(
    settings: Settings, knowledge: Path
) -> None:
    ingest(settings)
    body = (knowledge / "hair.md").read_text("utf-8")
    (knowledge / "engraftment.md").write_text(body.replace("Test clinic", "Ward 7"), "utf-8")
    assert reports(settings)["engraftment.md"].change == "duplicate"
    assert sources(settings) == {"hair.md"}
    assert reports(settings, rebuild=True)["hair.md"].change == "duplicate"
    assert sources(settings) == {"engraftment.md"}


def test_near_twins_and_wrong_dates_are_reported_and_indexed(
    settings: Settings, knowledge: Path
) -> None:
    sentences = [f"Sentence {n} says that {' '.join(text_of(n, 6))}." for n in range(40)]
    write_guide(knowledge, "long.md", "Long", "## What is it?\n\n" + " ".join(sentences))
    ingest(settings)
    changed = [*sentences[:39], "The last one is another."]
    write_guide(knowledge, "new.md", "Long", "## What is it?\n\n" + " ".join(changed))
    dated = GUIDE.replace("2026-01-01", "2098-01-01").format(title="Late", body="## A?\n\nWords.")
    (knowledge / "late.md").write_text(dated, "utf-8")
    past = GUIDE.replace("2099", "2026").format(title="Past", body="## B?\n\nOther words.")
    (knowledge / "past.md").write_text(past, "utf-8")
    found = reports(settings)
    assert found["new.md"].change == "added"
    assert found["new.md"].warnings == (
        "nearly the same as long.md; both are indexed, remove one of them if it is an old version",
    )
    assert found["late.md"].warnings == (
        "published lies in the future (2098-01-01); correct the date",
    )
    assert "its review date has passed (2026-01-01)" in found["past.md"].warnings[0]
    assert {"long.md", "new.md", "late.md", "past.md"} <= sources(settings)
