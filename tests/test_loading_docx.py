"""Word documents: what Word shows as the final text, block by block."""

from __future__ import annotations

from datetime import datetime

import pytest
from docx.document import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.indexing.loading import load
from bot.records import SourceDocument
from tests.making_docx import changed, element, leaflet, part, written


def read(write: object) -> SourceDocument:
    return load("a.docx", written(write))  # type: ignore[arg-type]


def test_headings_lists_and_paragraphs() -> None:
    document = load("a.docx", leaflet())
    assert [(s.heading, s.span.of(document.text)) for s in document.sections] == [
        (("Going home",), "You can go home when your counts are up."),
        (("What to bring",), "A bag\n- A friend"),
        (("What to bring", "Visits"), "Visits are from 2 to 4 in the afternoon."),
    ]
    assert document.text.startswith("Going home\n\nYou can go home")


def test_metadata_is_what_the_file_says() -> None:
    def write(d: Document) -> None:
        d.core_properties.title = "Microsoft Word - draft3.docx"
        d.core_properties.author = "Jane Doe"
        d.core_properties.modified = datetime(2026, 3, 4)  # noqa: DTZ001
        d.core_properties.language = "de-AT"
        d.add_heading("Nach Hause", 0)
        d.add_paragraph("Sie gehen nach Hause.")

    data = written(write)
    app = part(data, "docProps/app.xml").replace(
        b"</Properties>", b"<Company>Ward 7</Company></Properties>"
    )
    info = load("a.docx", changed(data, {"docProps/app.xml": app})).info
    assert (info.title, info.authors, info.language) == ("Nach Hause", ("Jane Doe",), "de")
    assert str(info.published) == "2026-03-04"
    assert info.clinically_reviewed is False


def test_the_dates_of_the_template_are_not_the_leaflets() -> None:
    document = read(lambda d: d.add_paragraph("Only this."))
    assert document.info.published is None
    assert document.info.authors == ()
    assert document.info.title == "A"


def test_a_file_without_metadata_gets_none_made_up() -> None:
    rels = part(leaflet(), "_rels/.rels")
    start = rels.index(b"<Relationship ", rels.index(b"core-properties") - 200)
    for piece in rels[start:].split(b"/>"):
        if b"core-properties" in piece:
            rels = rels.replace(piece + b"/>", b"")
    info = load("a.docx", changed(leaflet(), {"_rels/.rels": rels, "docProps/core.xml": None})).info
    assert (info.title, info.published, info.authors) == ("Going home", None, ())


def test_deleted_and_hidden_text_is_out_and_inserted_text_is_in() -> None:
    def write(d: Document) -> None:
        p = d.add_paragraph("Eat ")
        p._p.append(
            element('<w:del w:id="1" w:author="x"><w:r><w:delText>raw</w:delText></w:r></w:del>')
        )
        p._p.append(
            element('<w:moveFrom w:id="3" w:author="x"><w:r><w:t>moved</w:t></w:r></w:moveFrom>')
        )
        p._p.append(
            element('<w:ins w:id="2" w:author="x"><w:r><w:t>cooked eggs.</w:t></w:r></w:ins>')
        )
        p.add_run(" secret").font.hidden = True
        p._p.append(element("<w:r><w:instrText>PAGE</w:instrText></w:r>"))

    assert read(write).text == "Eat cooked eggs."


def test_tables_with_merged_cells_keep_their_labels() -> None:
    def write(d: Document) -> None:
        t = d.add_table(rows=4, cols=3)
        for n, label in enumerate(["Day", "Morning", "Evening"]):
            t.cell(0, n).text = label
        for n, words in enumerate(["Monday", "Walk. Rest.", "Sleep"]):
            t.cell(1, n).text = words
        t.cell(2, 0).merge(t.cell(1, 0))
        t.cell(2, 1).merge(t.cell(2, 2)).text = "Eat"
        t.cell(3, 0).merge(t.cell(3, 2)).text = "No visits on Sunday."

    assert read(write).text == (
        "- Day: Monday; Morning: Walk; Rest; Evening: Sleep.\n"
        "- Day: Monday; Morning / Evening: Eat.\n\nNo visits on Sunday."
    )


def test_two_columns_without_a_header_are_label_and_value() -> None:
    def write(d: Document) -> None:
        t = d.add_table(rows=2, cols=2)
        for row, pair in enumerate([("Phone", "555 0100"), ("Hours", "8 to 6")]):
            for column, words in enumerate(pair):
                t.cell(row, column).text = words

    assert read(write).text == "- Phone: 555 0100.\n- Hours: 8 to 6."


def test_a_table_for_layout_is_read_as_text() -> None:
    def write(d: Document) -> None:
        t = d.add_table(rows=1, cols=2)
        t.cell(0, 0).paragraphs[0].text = "Left"
        t.cell(0, 0).paragraphs[0].style = d.styles["Heading 1"]
        t.cell(0, 0).add_paragraph("One.")
        t.cell(0, 1).text = "Two."

    document = read(write)
    assert document.text == "Left\n\nOne.\n\nTwo."
    assert document.sections[0].heading == ("Left",)


def test_bold_lines_head_a_leaflet_without_styles() -> None:
    def write(d: Document) -> None:
        d.add_paragraph().add_run("When to call:").bold = True
        d.add_paragraph("Call if you feel hot.")
        p = d.add_paragraph()
        p.add_run("Important:").bold = True
        p.add_run(" drink enough.")
        d.add_paragraph().add_run("Call at once if you bleed.").bold = True
        d.add_paragraph("The number is on page one.")

    document = read(write)
    assert [s.heading for s in document.sections] == [("When to call",)]
    assert "Important: drink enough." in document.text
    assert "Call at once if you bleed." in document.sections[0].span.of(document.text)


def test_text_boxes_are_read_once() -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>Boxed words.</w:t></w:r></w:p></w:txbxContent>"

    def write(d: Document) -> None:
        p = d.add_paragraph("Before.")
        p._p.append(
            element(
                f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><wps:txbx>{box}</wps:txbx>"
                f"</mc:Choice><mc:Fallback><v:textbox>{box}</v:textbox></mc:Fallback>"
                "</mc:AlternateContent></w:r>"
            )
        )
        d.add_paragraph("After.")

    assert read(write).text == "Before.\n\nBoxed words.\n\nAfter."


def test_footnotes_stand_after_their_paragraph() -> None:
    def write(d: Document) -> None:
        p = d.add_paragraph("Eat well.")
        p._p.append(element('<w:r><w:footnoteReference w:id="2"/></w:r>'))
        d.add_paragraph("Next.")

    data = written(write)
    names = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    notes = (
        f'<w:footnotes {names}><w:footnote w:id="0" w:type="separator"><w:p/></w:footnote>'
        '<w:footnote w:id="2"><w:p><w:r><w:footnoteRef/><w:t>Not for babies.</w:t></w:r></w:p>'
        "</w:footnote></w:footnotes>"
    )
    rels = part(data, "word/_rels/document.xml.rels").replace(
        b"</Relationships>",
        b'<Relationship Id="rIdN" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        b'relationships/footnotes" Target="footnotes.xml"/></Relationships>',
    )
    kinds = part(data, "[Content_Types].xml").replace(
        b"</Types>",
        b'<Override PartName="/word/footnotes.xml" ContentType="application/vnd.openxmlformats-'
        b'officedocument.wordprocessingml.footnotes+xml"/></Types>',
    )
    data = changed(
        data,
        {
            "word/footnotes.xml": notes.encode(),
            "word/_rels/document.xml.rels": rels,
            "[Content_Types].xml": kinds,
        },
    )
    assert load("a.docx", data).text == "Eat well.\n\nNot for babies.\n\nNext."


def test_line_breaks_special_hyphens_and_raised_digits() -> None:
    def write(d: Document) -> None:
        p = d.add_paragraph("Ward 7\nCall 555.")
        p._p.append(element("<w:r><w:t> Follow</w:t><w:noBreakHyphen/><w:t>up at 10</w:t></w:r>"))
        p.add_run("9").font.superscript = True
        p.add_run("/L.")
        d.add_paragraph("•\tTyped item")

    assert read(write).text == "Ward 7\nCall 555. Follow-up at 10^9/L.\n\n- Typed item"


WORDS = st.text(alphabet="abc äß.&<", min_size=1, max_size=25).filter(
    lambda t: any(c.isalpha() for c in t)
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Normal", "Heading 1", "Heading 2", "List Bullet", "Quote"]), WORDS
        ),
        min_size=1,
        max_size=8,
    )
)
def test_no_word_is_lost_and_spans_hold(parts: list[tuple[str, str]]) -> None:
    def write(d: Document) -> None:
        for style, words in parts:
            d.add_paragraph(words, style=style)
        d.add_paragraph("End.")

    document = read(write)
    got = "".join(c for c in document.text if c.isalpha())
    assert got == "".join(c for _, words in parts for c in words if c.isalpha()) + "End"
    end = 0
    for section in document.sections:
        assert end <= section.span.start < section.span.end <= len(document.text)
        end = section.span.end


@pytest.mark.parametrize("level", range(1, 10))
def test_every_heading_level_is_known(level: int) -> None:
    def write(d: Document) -> None:
        d.add_heading("Above", level)
        d.add_paragraph("Words.")

    assert read(write).sections[0].heading == ("Above",)
