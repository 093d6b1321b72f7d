"""What a web page says of itself: title, publisher, address, dates, language, authors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from lxml.html import HtmlElement

from bot.indexing.loading.blocks import Block, tidy
from bot.indexing.loading.metadata import (
    believable_authors,
    believable_date,
    believable_title,
    first_heading,
    language_of,
)

_PUBLISHED = (
    "article:published_time",
    "datepublished",
    "dcterms.issued",
    "dc.date.issued",
    "dcterms.date",
    "dc.date",
    "citation_publication_date",
    "date",
)
_MODIFIED = ("article:modified_time", "datemodified", "dcterms.modified", "dc.date.modified")
_REVIEWED = ("lastreviewed", "article:reviewed_time", "dcterms.reviewed")
_PUBLISHERS = ("og:site_name", "dcterms.publisher", "dc.publisher", "publisher")
_AUTHORS = ("author", "dcterms.creator", "dc.creator", "citation_author")
_ADDRESS = re.compile(r"https?://[^\s]{1,1000}$")
_MAX_JSON = 200_000


def page_metadata(root: HtmlElement, blocks: Sequence[Block]) -> dict[str, Any]:
    """Arguments of `SourceInfo` that the page gives; empty ones stand for nothing."""
    named = _named(root)
    linked = _linked_data(root)
    publisher = _first(named, _PUBLISHERS) or _name_of(linked.get("publisher"))
    language = root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang")
    return {
        "title": _title(root, named, publisher, blocks),
        "publisher": tidy(publisher) if publisher else None,
        "authors": believable_authors(
            value for name in _AUTHORS for value in named.get(name, ()) if "://" not in value
        ),
        "url": _address(root, named),
        "published": _date(named, linked, _MODIFIED, "dateModified")
        or _date(named, linked, _PUBLISHED, "datePublished"),
        "reviewed": _date(named, linked, _REVIEWED, "lastReviewed"),
        "language": language_of(language or _first(named, ("og:locale", "dc.language"))),
    }


def _named(root: HtmlElement) -> dict[str, list[str]]:
    """What `meta` elements and `itemprop` attributes say, by name in lower case."""
    found: dict[str, list[str]] = {}
    for element in root.xpath("//meta | //time[@itemprop]"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        value = element.get("content") or element.get("datetime") or ""
        if name and value.strip():
            found.setdefault(name.casefold(), []).append(value.strip())
    return found


def _linked_data(root: HtmlElement) -> dict[str, Any]:
    """Schema.org data of the page: the first object that dates or publishes it."""
    for script in root.xpath("//script[@type='application/ld+json']"):
        text = script.text or ""
        if len(text) > _MAX_JSON:
            continue
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            continue
        for entry in _objects(data):
            if {"lastReviewed", "dateModified", "datePublished", "publisher"} & set(entry):
                return entry
    return {}


def _objects(data: Any) -> Iterator[dict[str, Any]]:
    entries = data if isinstance(data, list) else [data]
    for entry in entries:
        if isinstance(entry, dict):
            yield entry
            graph = entry.get("@graph")
            yield from (
                (e for e in graph or () if isinstance(e, dict)) if isinstance(graph, list) else ()
            )


def _first(named: dict[str, list[str]], names: Sequence[str]) -> str | None:
    return next((named[name][0] for name in names if name in named), None)


def _name_of(value: Any) -> str | None:
    name = value.get("name") if isinstance(value, dict) else value
    return name if isinstance(name, str) and name.strip() else None


def _date(
    named: dict[str, list[str]], linked: dict[str, Any], names: Sequence[str], key: str
) -> Any:
    value = linked.get(key)
    if isinstance(value, list):
        value = value[0] if value else None
    return believable_date(_first(named, names)) or believable_date(value)


def _title(
    root: HtmlElement,
    named: dict[str, list[str]],
    publisher: str | None,
    blocks: Sequence[Block],
) -> str | None:
    """The page's own title without the name of the site. The main heading is the same title as
    readers see it, so it is taken where the two begin alike."""
    elements = root.xpath("//title")
    raw = _first(named, ("og:title", "dcterms.title", "dc.title"))
    title = believable_title(raw) or believable_title(elements[0].text if elements else None)
    heading = first_heading(blocks)
    if not title:
        return heading
    if heading and title.casefold().startswith(heading.casefold()):
        return heading
    if publisher:
        cut = re.sub(rf"\s*[|–—:·-]\s*{re.escape(tidy(publisher))}$", "", title)
        return cut or title
    return title


def _address(root: HtmlElement, named: dict[str, list[str]]) -> str | None:
    links = root.xpath("//link[@rel='canonical']/@href")
    for value in (*links, *named.get("og:url", ())):
        if _ADDRESS.match(value.strip()):
            return str(value.strip())
    return None
