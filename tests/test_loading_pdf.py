"""PDF files: reading order, pages, headings, lists, tables, and what is left out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.indexing.chunking import chunk_document
from bot.indexing.loading import load
from bot.records import SourceDocument
from tests import making_pdfs as pdfs


def read(data: bytes) -> SourceDocument:
    document = load("a.pdf", data)
    for chunk in chunk_document(
        document, count_tokens=lambda texts: [len(t.split()) for t in texts], max_tokens=60
    ):
        assert chunk.text == chunk.span.of(document.text)
        assert chunk.page is not None
    return document


def test_headings_lists_pages_and_running_lines() -> None:
    document = read(pdfs.leaflet(4))
    assert [(s.page, s.heading) for s in document.sections] == [
        (1, ("Before you leave",)),
        (2, ("Before you leave", "Part 1")),
        (3, ("Before you leave", "Part 2")),
        (4, ("Before you leave", "Part 3")),
    ]
    first = document.sections[0].span.of(document.text)
    assert first.endswith(
        "- A bag with your things.\n- Your pills for the next two weeks, which the nurse will "
        "give to you in the morning before you leave the ward.\n- A friend who drives."
    )
    for running in ("Example Hospital", "Leaflet 12", "Page "):
        assert running not in document.text


def test_metadata_is_what_the_file_says() -> None:
    info = read(pdfs.leaflet()).info
    assert (info.title, info.authors, info.language) == (
        "Going home after a transplant",
        ("Ward 7 nurses",),
        "en",
    )
    assert str(info.published) == "2000-01-01"  # reportlab's date of reproducible files
    assert info.clinically_reviewed is False


@pytest.mark.parametrize("shift", [0.0, 5.3, 9.1])
def test_columns_are_read_one_after_the_other(shift: float) -> None:
    text = read(pdfs.two_columns(shift=shift)).text
    left = [f"Left sentence {n} tells you something of the first column." for n in range(9)]
    right = [f"Right sentence {n} belongs to the second column only." for n in range(9)]
    assert text.index("A heading that runs across") < text.index("Left part")
    assert " ".join(left) in text
    assert " ".join(right) in text
    assert text.index("Left sentence 8") < text.index("Right part") < text.index("Right sentence 0")


def test_a_sheet_folded_in_three_is_read_panel_by_panel() -> None:
    document = read(pdfs.three_panels())
    long = "item two that is so long that it wraps to the next line"
    assert [s.span.of(document.text) for s in document.sections] == [
        words
        for n in range(3)
        for words in (
            f"This is panel {n}. {pdfs.PROSE * (n + 1)}".strip()
            + f"\n\n- item one of {n}\n- {long}",
            f"More of panel {n}. {pdfs.PROSE}".strip(),
        )
    ]


def test_tables_become_rows_with_their_labels() -> None:
    text = read(pdfs.tables()).text
    assert "- Food: Hard cheese; Safe?: Yes.\n- Food: Soft cheese; Safe?: No." in text
    assert "- Day: Monday; Time: 9 am; Visit: Blood test." in text
    assert "- Day: Monday; Time: 2 pm; Visit: Doctor." in text
    assert "- Week: Second; Morning: Rest; Evening: Read." in text
    assert text.endswith("That is all about food and visits.")


def test_hyphens_at_line_ends_are_joined_and_real_ones_stay() -> None:
    document = read(
        pdfs.text_lines(
            [
                "Graft-versus-host disease is a com-",
                "plication. It is not a self-",
                "limited one. Your follow-",
                "up is near. We talk of trans-",
                "plant, of graft-versus-",
                "host disease, of the years 2024-",
                "2026, and of a well-known check-",
                "up. A check-up is due. Blood\u00ad",
                "cells grow.",
            ]
        )
    )
    assert document.text == (
        "Graft-versus-host disease is a complication. It is not a self-limited one. Your follow-up "
        "is near. We talk of transplant, of graft-versus-host disease, of the years 2024-2026, and "
        "of a well-known check-up. A check-up is due. Bloodcells grow."
    )


def test_bullets_and_numbers_are_items() -> None:
    document = read(
        pdfs.text_lines(
            [
                "Bring these things with you:",
                "• a bag",
                "• a long item that goes on",
                "  in the next line",
                "1. Wash your hands.",
                "2. Dry your hands.",
            ]
        )
    )
    assert document.text == (
        "Bring these things with you:\n\n- a bag\n- a long item that goes on in the next line\n"
        "- Wash your hands.\n- Dry your hands."
    )


def test_a_page_on_its_side_is_read_upright() -> None:
    assert read(pdfs.rotated()).text.split("\n\n") == [
        "This page lies on its side in the file.",
        "Readers see it upright and read this second.",
    ]


@pytest.mark.parametrize("make", [pdfs.encrypted, pdfs.with_aes])
def test_a_lock_against_changes_does_not_keep_readers_out(make: object) -> None:
    assert read(make("")).text == "This leaflet is locked against changes."  # type: ignore[operator]


def test_what_was_typed_into_a_form_is_not_read() -> None:
    text = read(pdfs.form()).text
    assert "Write down the number" in text
    assert "Keep this page near" in text
    assert "typed" not in text


def test_right_to_left_text_is_in_the_order_of_reading() -> None:
    text = read(pdfs.right_to_left()).text
    assert "שלום לכל המטופלים ביחידה" in text
    assert text.index("שלום") < text.index("התקשרו")


def test_ligatures_are_spelled_out() -> None:
    text = read(pdfs.ligatures()).text
    assert "difficult to find a flat place" in text
    assert "The effect of rest" in text


def test_raised_digits_keep_their_sense() -> None:
    assert read(pdfs.powers()).text == (
        "The count was 0.5 x 10^9/L on that day. Your nurse explains it to you."
    )


def test_a_sentence_over_two_pages_belongs_to_the_first() -> None:
    document = read(pdfs.sentence_over_pages())
    assert [(s.page, s.span.of(document.text)) for s in document.sections] == [
        (
            1,
            "The first page ends here. A sentence that begins on the first page ends on the "
            "second one.",
        ),
        (2, "This one stands on the second page."),
    ]


def test_stamps_and_text_off_the_page_are_left_out() -> None:
    assert read(pdfs.with_watermark()).text == "Only this sentence is part of the text."


def test_steps_at_the_head_of_pages_are_content() -> None:
    def draw(canvas: pdfs.Canvas) -> None:
        for number in range(1, 4):
            canvas.setFont("Helvetica-Bold", 11)
            canvas.drawString(72, 780, f"Step {number}")
            canvas.setFont("Helvetica", 11)
            canvas.drawString(72, 760, f"This is what you do in step {number}, and not before.")
            canvas.drawString(300, 30, str(number))
            canvas.showPage()

    document = read(pdfs.drawn(draw))
    assert [s.heading[-1] for s in document.sections] == ["Step 1", "Step 2", "Step 3"]
    assert document.text.endswith("This is what you do in step 3, and not before.")


def test_marked_headers_and_replaced_words() -> None:
    def draw(canvas: pdfs.Canvas) -> None:
        canvas._code.append("/Artifact <</Type /Pagination>> BDC")
        canvas.drawString(72, 500, "A running header in the middle.")
        canvas._code.append("EMC")
        canvas._code.append("/Span <</ActualText (written out)>> BDC")
        canvas.drawString(72, 480, "w/o")
        canvas._code.append("EMC")
        canvas.drawString(72, 460, "These are the words of the page.")

    text = read(pdfs.drawn(draw)).text
    assert "running header" not in text
    assert "written out" in text
    assert "w/o" not in text


def test_what_browsers_print() -> None:
    assert read(pdfs.as_browsers_print()).text == (
        "Living with low blood counts at home\n\n"
        "Your counts are low now and you can catch infections easily, so wash your hands often. "
        "Stay away from people who are ill.\n\n"
        "Use a soft toothbrush. Never use a razor blade. Ask your team before you take any "
        "medicine that they did not give to you.\n\n"
        "Pack\n\nSoft shoes\n\nA warm hat\n\n"
        "- Sign: Fever; What to do: Call at once, day or night; Do not wait.\n"
        "- Sign: A nose bleed that lasts long although you press; What to do: Call at once."
    )


def test_the_entries_of_a_table_of_contents_are_no_text() -> None:
    document = read(
        pdfs.text_lines(
            [
                "Contents",
                "Going home" + " ." * 20 + " 2",
                "Food" + " ." * 26 + " 11",
                "Going home",
                "You can go home when your counts are up.",
            ]
        )
    )
    assert ". ." not in document.text
    assert "You can go home when your counts are up." in document.text
    prices = read(pdfs.text_lines(["What the tests cost", "Blood test" + " ." * 20 + " 25"]))
    assert prices.text.endswith("25")


def test_two_columns_of_short_items_are_no_table() -> None:
    def draw(canvas: pdfs.Canvas) -> None:
        canvas.setFont("Helvetica", 11)
        canvas.drawString(72, 720, "Bring these things with you when you come to the ward:")
        for number, (one, two) in enumerate(
            [("a bag", "shoes"), ("a book", "soap"), ("a pen", "tea")]
        ):
            canvas.drawString(72, 700 - 14 * number, f"• {one}")
            canvas.drawString(320, 700 - 14 * number, f"• {two}")

    assert read(pdfs.drawn(draw)).text.endswith(
        "- a bag\n- a book\n- a pen\n- shoes\n- soap\n- tea"
    )


LINE = st.lists(st.text(alphabet="abcdefgh", min_size=2, max_size=7), min_size=5, max_size=6).map(
    " ".join
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(LINE, min_size=3, max_size=14),
    st.lists(LINE, min_size=3, max_size=14),
    st.floats(min_value=0, max_value=12.5),
)
def test_lines_of_two_columns_are_never_mixed(
    left: list[str], right: list[str], shift: float
) -> None:
    document = read(pdfs.columns_of(left, right, shift))
    assert document.text.split() == " ".join([*left, *right]).split()


SENTENCE = st.lists(
    st.text(alphabet="abcdefgh", min_size=1, max_size=9), min_size=2, max_size=14
).map(lambda found: " ".join(found).capitalize() + ".")


@settings(max_examples=25, deadline=None)
@given(st.lists(SENTENCE, min_size=2, max_size=10))
def test_no_word_is_lost_and_spans_hold(sentences: list[str]) -> None:
    story: list[object] = [
        pdfs.Paragraph(s, pdfs.BODY) for s in ["This is where it starts.", *sentences]
    ]
    document = read(pdfs.flowing(story))
    got = re.findall(r"\w+", document.text)
    assert got == re.findall(r"\w+", " ".join(["This is where it starts.", *sentences]))
    end = 0
    for section in document.sections:
        assert end <= section.span.start < section.span.end <= len(document.text)
        end = section.span.end
