"""Glossary links of the guides: which terms need one, which lack it, and putting them in.

The first time a guide uses a term of the glossary it links to it. The loader takes links off, so
the shown text and every span stay as they are.
"""

from __future__ import annotations

import re
from pathlib import Path

from bot.text import words

GLOSSARY = "glossary.md"

# In the glossary for those who ask, but a link at each would drown the words that need one.
_EVERYDAY = frozenset(
    {
        "antibiotic", "caregiver", "clinical trial", "cure", "donor", "fatigue", "follow-up care",
        "graft", "host", "immune system", "infusion", "isolation", "nurse practitioner",
        "recipient", "registry", "second cancer", "social worker", "stem cell transplant",
        "stem cells", "transfusion", "transplant coordinator", "transplant physician",
    }
)  # fmt: skip
_LINK = re.compile(r"\[[^\]]+\]\(glossary\.md#([^)]+)\)")
_SKIP = re.compile(
    r"\A---\n.*?^---\n|<!--.*?-->|^#.*?$|\[\^[^\]]*\]|\[[^\]]*\]\([^)]*\)", re.DOTALL | re.MULTILINE
)


def anchor(heading: str) -> str:
    """The fragment under which a heading can be linked to."""
    return "-".join(words(heading.replace("(", " ").replace(")", " ")))


def glossary_terms(folder: Path) -> dict[str, tuple[str, ...]]:
    """Anchor -> the forms of the term, long one first; empty where there is no glossary."""
    path = folder / GLOSSARY
    if not path.is_file():
        return {}
    found = {}
    for heading in re.findall(r"^## (.+)$", path.read_text("utf-8"), re.MULTILINE):
        long, _, short = heading.strip().partition(" (")
        short = short.rstrip(")")
        if long.casefold() in _EVERYDAY:
            continue
        abbreviation = short if re.fullmatch(r"(?=.*[A-Z].*[A-Z])[A-Za-z-]{2,7}", short) else ""
        found[anchor(heading)] = tuple(form for form in (long, abbreviation) if form)
    return found


def _pattern(forms: tuple[str, ...]) -> re.Pattern[str]:
    # Abbreviations are matched as written: 'PORT' is not 'port'.
    parts = [
        re.escape(f) if f.isupper() else f"(?i:{re.escape(f)}s?)"
        for f in sorted(forms, key=len, reverse=True)
    ]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?![\w-])")


def _body_spans(text: str) -> list[tuple[int, int]]:
    """The stretches of a guide where a link may stand: no front matter, headings, comments."""
    spans, last = [], 0
    for match in _SKIP.finditer(text):
        spans.append((last, match.start()))
        last = match.end()
    return [(a, b) for a, b in [*spans, (last, len(text))] if a < b]


def _place(text: str, forms: tuple[str, ...]) -> re.Match[str] | None:
    pattern = _pattern(forms)
    for start, end in _body_spans(text):
        if match := pattern.search(text, start, end):
            return match
    return None


def unlinked(text: str, terms: dict[str, tuple[str, ...]]) -> list[tuple[str, int]]:
    """Terms that a guide uses without a link, with the line of their first use."""
    linked = set(_LINK.findall(text))
    found = []
    for target, forms in terms.items():
        if target not in linked and (match := _place(text, forms)):
            found.append((forms[0], text.count("\n", 0, match.start()) + 1))
    return found


def dead_links(text: str, terms: dict[str, tuple[str, ...]]) -> list[str]:
    """Anchors that a guide links to and the glossary does not have."""
    return sorted(set(_LINK.findall(text)) - set(terms))


def link(text: str, terms: dict[str, tuple[str, ...]]) -> str:
    """The guide with a link at the first use of each term that had none. Long terms first, so
    that 'acute GVHD' is not split by 'GVHD'."""
    linked = set(_LINK.findall(text))
    for target, forms in sorted(terms.items(), key=lambda item: -len(item[1][0])):
        if target in linked:
            continue
        if match := _place(text, forms):
            words_ = f"[{match.group()}](glossary.md#{target})"
            text = text[: match.start()] + words_ + text[match.end() :]
    return text


def link_folder(folder: Path) -> list[str]:
    """Put missing links into every guide of a folder; the names of those that changed."""
    terms = glossary_terms(folder)
    changed = []
    for path in sorted(folder.glob("*.md")):
        text = path.read_text("utf-8")
        is_guide = re.search(r"^sources:", text.partition("\n---\n")[0], re.MULTILINE)
        if path.name == GLOSSARY or not is_guide:
            continue
        better = link(text, terms)
        if better != text:
            path.write_text(better, "utf-8")
            changed.append(path.name)
    return changed
