"""Web pages: what is kept, what is dropped, and what the page says of itself."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import DocumentError
from bot.indexing.loading import load
from bot.records import SourceDocument

HEAD = """<!DOCTYPE html><html lang="en-GB"><head><title>Going home | Ward 7</title>
<meta property="og:site_name" content="Ward 7">
<link rel="canonical" href="https://ward7.example/going-home">
<meta name="author" content="Jane Doe"><meta name="author" content="admin">
<meta property="article:published_time" content="2025-03-04T10:00:00Z">
<meta property="article:modified_time" content="2026-03-04T10:00:00Z">
<script type="application/ld+json">{"@type": "Page", "lastReviewed": "2026-01-02"}</script>
<style>p { color: red }</style></head><body>"""
AROUND = """<div class="cookie-banner"><p>We use cookies.</p></div>
<a href="#main" class="skip">Skip to main content</a>
<header><p>Ward 7 online</p></header><nav><ul><li>Menu entry</li></ul></nav>"""
FOOT = """<aside><p>Other pages</p></aside><footer><p>Copyright</p></footer>
<script>alert(1)</script></body></html>"""


def page(body: str, *, main: bool = True) -> SourceDocument:
    inner = f"<main>{body}</main>" if main else body
    return load("page.html", f"{HEAD}{AROUND}{inner}{FOOT}".encode())


@pytest.mark.parametrize("main", [True, False])
def test_only_the_main_content_is_kept(main: bool) -> None:
    document = page("<h1>Going home</h1><p>Call us <b>first</b>.</p>", main=main)
    assert document.text == "Going home\n\nCall us first."


def test_metadata_is_what_the_page_says() -> None:
    info = page("<h1>Going home</h1><p>Call us first.</p>").info
    assert info.title == "Going home"
    assert info.publisher == "Ward 7"
    assert info.authors == ("Jane Doe",)
    assert info.url == "https://ward7.example/going-home"
    assert info.published == date(2026, 3, 4)
    assert info.reviewed == date(2026, 1, 2)
    assert info.language == "en"
    assert info.clinically_reviewed is False


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>secret</p>",
        '<p style="display: none">secret</p>',
        '<div aria-hidden="true">secret</div>',
        "<template><p>secret</p></template>",
        "<noscript>secret</noscript>",
        "<!-- secret -->",
        '<div role="dialog">secret</div>',
        '<div class="cookie-consent">secret</div>',
        "<button>secret</button>",
        "<svg><text>secret</text></svg>",
    ],
)
def test_what_a_reader_does_not_see_is_dropped(hidden: str) -> None:
    document = page(f"<p>{'Seen words. ' * 9}</p>{hidden}<p>Last words.</p>")
    assert "secret" not in document.text
    assert document.text.endswith("Last words.")


def test_a_section_named_like_a_banner_stays_when_it_is_content() -> None:
    document = page('<div class="social"><h2>Social worker</h2><p>Ask for one.</p></div>')
    assert "Ask for one." in document.text
    document = page('<section id="consent"><h2>Consent</h2><p>You sign a form.</p></section>')
    assert document.sections[0].heading == ("Consent",)


def test_headings_make_paths_and_lists_keep_their_items() -> None:
    document = page(
        "<h1>Going home</h1><h2>Bring</h2><ul><li>A bag<ul><li>small</li></ul></li>"
        "<li><p>A friend</p></li></ul><h3>Not</h3><ol><li>Pets</li></ol><h2>Call</h2><p>Us.</p>"
    )
    assert [(s.heading, s.span.of(document.text)) for s in document.sections] == [
        (("Bring",), "A bag\n- small\n- A friend"),
        (("Bring", "Not"), "Pets"),
        (("Call",), "Us."),
    ]


def test_line_breaks_entities_and_white_space() -> None:
    document = page(
        "<p>Tom &amp; J&eacute;r&ocirc;me&nbsp;eat\n  bread<br>and cheese.<br>Call 555.<br><br>"
        "New&shy;line &#8211; done.</p>"
    )
    assert document.text == "Tom & Jérôme eat bread and cheese.\nCall 555.\n\nNewline – done."


def test_raised_digits_keep_their_sense() -> None:
    document = page(
        "<p>Below 0.5 x 10<sup>9</sup>/L or 3 m<sup>2</sup>. See this note<sup>12</sup> on it."
        "<sup>[3]</sup> The 1<sup>st</sup> day.</p>"
    )
    assert document.text == "Below 0.5 x 10^9/L or 3 m^2. See this note on it. The 1st day."


def test_tables_become_rows_with_their_labels() -> None:
    document = page(
        "<table><caption>What you may eat</caption><thead><tr><th>Food</th><th>Why</th></tr>"
        "</thead><tr><td>Bread. Soft.</td><td>Safe.</td></tr>"
        "<tr><td rowspan=2>Cheese</td><td>Hard only</td></tr><tr><td>Not blue</td></tr>"
        "<tr><td colspan=2>Ask first</td></tr></table>"
    )
    assert document.text == (
        "What you may eat\n\n- Food: Bread; Soft; Why: Safe.\n- Food: Cheese; Why: Hard only.\n"
        "- Food: Cheese; Why: Not blue.\n\nAsk first"
    )


def test_tables_without_header_and_tables_for_layout() -> None:
    pairs = page(
        "<table><tr><td>Phone:</td><td>555</td></tr><tr><td>Hours</td><td>8-6</td></tr></table>"
    )
    assert pairs.text == "- Phone: 555.\n- Hours: 8-6."
    layout = page("<table><tr><td><h2>Left</h2><p>One.</p></td><td><p>Two.</p></td></tr></table>")
    assert layout.text == "Left\n\nOne.\n\nTwo."


def test_definitions_and_details() -> None:
    document = page(
        "<h2>Words</h2><dl><dt>WBC</dt><dt>white cells</dt><dd>Cells that fight germs.</dd></dl>"
        "<details><summary>Can I swim?</summary><p>Ask your team.</p></details><p>Last words.</p>"
    )
    assert [(s.heading, s.span.of(document.text)) for s in document.sections] == [
        (("Words",), "WBC, white cells: Cells that fight germs."),
        (("Words", "Can I swim?"), "Ask your team."),
        (("Words",), "Last words."),
    ]


def test_declared_encodings_are_read() -> None:
    cp1252 = (
        '<html><head><meta charset="iso-8859-1"></head><body><p>It’s fine – yes.</p></body></html>'
    )
    assert load("a.html", cp1252.encode("cp1252")).text == "It’s fine – yes."
    utf16 = "<html><body><p>Grüße.</p></body></html>"
    assert load("a.html", utf16.encode("utf-16")).text == "Grüße."


def test_entities_of_its_own_and_other_files_are_never_read() -> None:
    document = load(
        "a.html",
        b'<!DOCTYPE html [<!ENTITY big "AAAA"><!ENTITY x SYSTEM "file:///etc/hostname">]>'
        b"<html><body><p>Here &big; and &x; stand.</p></body></html>",
    )
    assert document.text.endswith("Here &big; and &x; stand.")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["p", "h2", "li", "td", "div", "blockquote", "dd"]),
            st.text(alphabet="abc äß&<.\n", min_size=1, max_size=30),
        ),
        max_size=12,
    )
)
def test_no_word_is_lost_and_spans_hold(parts: list[tuple[str, str]]) -> None:
    import html

    body = "".join(f"<{tag}>{html.escape(text)}</{tag}>" for tag, text in parts)
    try:
        document = load("a.html", f"<html><body><p>Start.</p>{body}</body></html>".encode())
    except DocumentError:
        raise AssertionError(body) from None
    # Lone table cells and items outside a table or list are as browsers mend them: words stay.
    got = "".join(c for c in document.text if c.isalpha())
    assert got == "Start" + "".join(c for _, text in parts for c in text if c.isalpha())
    end = 0
    for section in document.sections:
        assert end <= section.span.start < section.span.end <= len(document.text)
        end = section.span.end
