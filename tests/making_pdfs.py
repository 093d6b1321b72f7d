"""PDF leaflets for the loader's tests, drawn as word processors and layout programs draw them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO

from pypdf import PdfReader, PdfWriter
from reportlab.lib import colors, pdfencrypt
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    FrameBreak,
    ListFlowable,
    ListItem,
    PageBreak,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

STYLES = getSampleStyleSheet()
BODY = STYLES["BodyText"]
PROSE = (
    "Your new cells need time to grow. During this time your blood counts are low and you can "
    "catch infections more easily. Wash your hands often. Tell your team about any fever at once. "
)
HEBREW_FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


def drawn(draw: Callable[[Canvas], None], **options: object) -> bytes:
    """A PDF of what `draw` does with a canvas; it ends each page but the last itself."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, **options)
    draw(canvas)
    canvas.save()
    return out.getvalue()


def flowing(story: list[object], **options: object) -> bytes:
    """A PDF of paragraphs, lists and tables that run over the pages."""
    out = BytesIO()
    running = options.pop("running", None)
    template = SimpleDocTemplate(out, pagesize=A4, invariant=1, **options)
    if running:
        template.build(story, onFirstPage=running, onLaterPages=running)
    else:
        template.build(story)
    return out.getvalue()


def text_lines(lines: list[str], *, size: float = 11, **options: object) -> bytes:
    """One line below the other, from the top left."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", size)
        for number, line in enumerate(lines):
            canvas.drawString(72, 760 - number * size * 1.25, line)

    return drawn(draw, **options)


def leaflet(pages: int = 3) -> bytes:
    """Title, headings, list, running header and footer with page numbers, dates and author."""

    def running(canvas: Canvas, template: SimpleDocTemplate) -> None:
        canvas.setAuthor("Ward 7 nurses")
        canvas.setFont("Helvetica", 8)
        canvas.drawString(72, 805, "Example Hospital - Transplant unit")
        canvas.drawString(72, 30, "Leaflet 12")
        canvas.drawRightString(520, 30, f"Page {template.page} of {pages}")

    story: list[object] = [
        Paragraph("Going home", STYLES["Title"]),
        Paragraph("Before you leave", STYLES["Heading1"]),
        Paragraph(PROSE, BODY),
        ListFlowable(
            [
                ListItem(Paragraph(text, BODY))
                for text in (
                    "A bag with your things.",
                    "Your pills for the next two weeks, which the nurse will give to you in the "
                    "morning before you leave the ward.",
                    "A friend who drives.",
                )
            ],
            bulletType="bullet",
        ),
    ]
    for number in range(1, pages):
        story += [
            PageBreak(),
            Paragraph(f"Part {number}", STYLES["Heading2"]),
            Paragraph(f"This is the text of part {number}. " + PROSE, BODY),
        ]
    return flowing(story, running=running, title="Going home after a transplant", lang="en-GB")


def two_columns(*, shift: float = 0.0) -> bytes:
    """Two columns below a heading that runs across both; `shift` moves the right one's lines."""
    out = BytesIO()
    frames = [
        Frame(60, 60, 225, 640, id="left"),
        Frame(310, 60, 225, 640 + shift, id="right"),
    ]

    def heading(canvas: Canvas, _: object) -> None:
        canvas.setFont("Helvetica-Bold", 20)
        canvas.drawString(60, 760, "A heading that runs across both of the columns")

    template = BaseDocTemplate(out, pagesize=A4, invariant=1)
    template.addPageTemplates([PageTemplate(frames=frames, onPage=heading)])
    left = " ".join(f"Left sentence {n} tells you something of the first column." for n in range(9))
    right = " ".join(f"Right sentence {n} belongs to the second column only." for n in range(9))
    template.build(
        [
            Paragraph("Left part", STYLES["Heading2"]),
            Paragraph(left, BODY),
            FrameBreak(),
            Paragraph("Right part", STYLES["Heading2"]),
            Paragraph(right, BODY),
        ]
    )
    return out.getvalue()


def three_panels() -> bytes:
    """A sheet folded in three, as clinics print their leaflets."""
    out = BytesIO()
    width, height = A4[1], A4[0]
    frames = [Frame(20 + 270 * n, 30, 250, 530, id=str(n)) for n in range(3)]
    template = BaseDocTemplate(out, pagesize=(width, height), invariant=1)
    template.addPageTemplates([PageTemplate(frames=frames)])
    story: list[object] = []
    for n in range(3):
        items = (f"item one of {n}", "item two that is so long that it wraps to the next line")
        story += [
            Paragraph(f"Panel {n}", STYLES["Heading2"]),
            Paragraph(f"This is panel {n}. " + PROSE * (n + 1), BODY),
            ListFlowable([ListItem(Paragraph(i, BODY)) for i in items], bulletType="bullet"),
            Paragraph(f"More on panel {n}", STYLES["Heading3"]),
            Paragraph(f"More of panel {n}. " + PROSE, BODY),
        ]
        story += [FrameBreak()] if n < 2 else []
    template.build(story)
    return out.getvalue()


def tables() -> bytes:
    """A table with lines and a merged cell, and one that only lines up."""
    lined = [("GRID", (0, 0), (-1, -1), 0.5, colors.black)]
    return flowing(
        [
            Paragraph("Food", STYLES["Heading1"]),
            Paragraph("This table shows what you may eat.", BODY),
            Table(
                [["Food", "Safe?"], ["Hard cheese", "Yes"], ["Soft cheese", "No"]],
                style=[*lined, ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold")],
            ),
            Spacer(1, 30),
            Table(
                [
                    ["Day", "Time", "Visit"],
                    ["Monday", "9 am", "Blood test"],
                    ["", "2 pm", "Doctor"],
                ],
                style=[
                    *lined,
                    ("SPAN", (0, 1), (0, 2)),
                    ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
                ],
            ),
            Spacer(1, 30),
            Table(
                [
                    ["Week", "Morning", "Evening"],
                    ["First", "Walk", "Sleep"],
                    ["Second", "Rest", "Read"],
                    ["Third", "Shop", "Talk"],
                ]
            ),
            Paragraph("That is all about food and visits.", BODY),
        ]
    )


def as_browsers_print() -> bytes:
    """Two columns, a list and a table as Chromium prints them: letters one by one, the table's
    lines as thin filled shapes, its cells centered so that their lines do not line up."""

    def letters(canvas: Canvas, x: float, y: float, text: str, font: str = "Helvetica") -> None:
        canvas.setFont(font, 11)
        for letter in text:
            if letter != " ":
                canvas.drawString(x, y, letter)
            x += canvas.stringWidth(letter, font, 11)

    def bar(canvas: Canvas, x0: float, y0: float, x1: float, y1: float) -> None:
        path = canvas.beginPath()
        for number, (x, y) in enumerate(((x0, y0), (x1, y0), (x1, y1), (x0, y1))):
            (path.lineTo if number else path.moveTo)(x, y)
        canvas.drawPath(path, stroke=0, fill=1)

    def draw(canvas: Canvas) -> None:
        letters(canvas, 60, 780, "Living with low blood counts at home", "Helvetica-Bold")
        left = [
            "Your counts are low now and you",
            "can catch infections easily, so",
            "wash your hands often. Stay",
            "away from people who are ill.",
        ]
        right = [
            "Use a soft toothbrush. Never use",
            "a razor blade. Ask your team",
            "before you take any medicine",
            "that they did not give to you.",
        ]
        for number, line in enumerate(left):
            letters(canvas, 60, 750 - 14 * number, line)
        for number, line in enumerate(right):
            letters(canvas, 320, 750 - 14 * number, line)
        letters(canvas, 60, 670, "Pack", "Helvetica-Bold")
        letters(canvas, 80, 650, "Soft shoes")
        letters(canvas, 80, 636, "A warm hat")
        for y in (610, 590, 550, 510):
            bar(canvas, 60, y, 500, y + 0.7)
        for x in (60, 280, 500):
            bar(canvas, x, 510, x + 0.7, 610)
        letters(canvas, 150, 596, "Sign", "Helvetica-Bold")
        letters(canvas, 360, 596, "What to do", "Helvetica-Bold")
        letters(canvas, 65, 566, "Fever")
        letters(canvas, 285, 573, "Call at once, day or night.")
        letters(canvas, 285, 559, "Do not wait.")
        letters(canvas, 65, 533, "A nose bleed that lasts long")
        letters(canvas, 65, 519, "although you press")
        letters(canvas, 285, 526, "Call at once")

    return drawn(draw)


def columns_of(left: list[str], right: list[str], shift: float) -> bytes:
    """Lines in two columns, those on the right `shift` points lower."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 10)
        for x, lines, down in ((60, left, 0.0), (320, right, shift)):
            for number, line in enumerate(lines):
                canvas.drawString(x, 700 - down - 12.5 * number, line)

    return drawn(draw)


def rotated() -> bytes:
    """A page that is stored on its side and shown upright."""

    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(90)
        canvas.translate(A4[0], 0)
        canvas.rotate(90)
        canvas.setFont("Helvetica", 11)
        canvas.drawString(72, 500, "This page lies on its side in the file.")
        canvas.drawString(72, 486, "Readers see it upright and read this second.")

    return drawn(draw)


def encrypted(user_password: str) -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 11)
        canvas.drawString(72, 700, "This leaflet is locked against changes.")

    lock = pdfencrypt.StandardEncryption(user_password, ownerPassword="owner", strength=128)
    return drawn(draw, encrypt=lock)


def form() -> bytes:
    """A leaflet with a field to write into."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 11)
        canvas.drawString(72, 700, "Write down the number of your team here.")
        canvas.acroForm.textfield(name="phone", value="typed by someone", x=72, y=640)
        canvas.drawString(72, 600, "Keep this page near your phone.")

    return drawn(draw)


def pictures_only(pages: int = 2) -> bytes:
    """Scanned pages: a picture each, no text."""
    from PIL import Image

    def draw(canvas: Canvas) -> None:
        for _ in range(pages):
            picture = Image.new("L", (200, 280), 200)
            canvas.drawImage(ImageReader(picture), 50, 50, 400, 560)
            canvas.showPage()

    return drawn(draw)


def right_to_left() -> bytes:
    """Hebrew as it is drawn: its letters from left to right in the order seen."""
    pdfmetrics.registerFont(TTFont("Hebrew", HEBREW_FONT))

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Hebrew", 12)
        canvas.drawRightString(520, 700, "שלום לכל המטופלים ביחידה"[::-1])
        canvas.drawRightString(520, 684, "התקשרו לצוות אם יש לכם חום"[::-1])

    return drawn(draw)


def ligatures() -> bytes:
    """Text whose characters are ligatures, as layout programs store them."""
    pdfmetrics.registerFont(TTFont("Ligatures", HEBREW_FONT))

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Ligatures", 12)
        canvas.drawString(72, 700, "It is di\ufb03cult to \ufb01nd a \ufb02at place to rest.")
        canvas.drawString(72, 684, "The e\ufb00ect of rest is o\ufb00ten felt soon.")

    return drawn(draw)


def powers() -> bytes:
    """Numbers with raised digits: a power, an area, and the mark of a footnote."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 11)
        canvas.drawString(72, 700, "The count was 0.5 x 10")
        width = canvas.stringWidth("The count was 0.5 x 10", "Helvetica", 11)
        canvas.setFont("Helvetica", 7)
        canvas.drawString(72 + width, 704.5, "9")
        canvas.setFont("Helvetica", 11)
        after = 72 + width + canvas.stringWidth("9", "Helvetica", 7)
        canvas.drawString(after, 700, "/L on that day.")
        canvas.drawString(72, 686, "Your nurse explains it")
        width = canvas.stringWidth("Your nurse explains it", "Helvetica", 11)
        canvas.setFont("Helvetica", 7)
        canvas.drawString(72 + width, 690.5, "12")
        canvas.setFont("Helvetica", 11)
        canvas.drawString(72 + width + 9, 686, "to you.")

    return drawn(draw)


def sentence_over_pages() -> bytes:
    def draw(canvas: Canvas) -> None:
        for lines in (
            ["The first page ends here. A sentence that begins on the first page"],
            ["ends on the second one. This one stands on the second page."],
        ):
            canvas.setFont("Helvetica", 11)
            for number, line in enumerate(lines):
                canvas.drawString(72, 500 - 14 * number, line)
            canvas.showPage()

    return drawn(draw)


def with_watermark() -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 60)
        canvas.translate(200, 300)
        canvas.rotate(45)
        canvas.drawString(0, 0, "DRAFT")
        canvas.restoreState()
        canvas.setFont("Helvetica", 11)
        canvas.drawString(72, 700, "Only this sentence is part of the text.")
        canvas.drawString(72, -50, "This one stands below the edge of the page.")

    return drawn(draw)


def many_pages(count: int) -> bytes:
    def draw(canvas: Canvas) -> None:
        for number in range(count):
            canvas.drawString(72, 500, f"This is page text number {number} of the long book.")
            canvas.showPage()

    return drawn(draw)


def bomb(size: int) -> bytes:
    """A page whose compressed content unpacks to `size` bytes."""
    packed = zlib.compress(b"q Q " * (size // 4), 9)
    return _with_content(packed)


def packed_objects(pages: int, size: int) -> bytes:
    """Pages that are packed into an object stream each, of `size` bytes of blanks."""
    out = bytearray(b"%PDF-1.5\n")
    first_page, first_stream = 3, 3 + pages
    entries = [b"\0\0\0\0\0\0"]

    def add(number: int, body: bytes) -> None:
        entries.append(b"\1" + len(out).to_bytes(4, "big") + b"\0")
        out.extend(b"%d 0 obj\n%s\nendobj\n" % (number, body))

    kids = b" ".join(b"%d 0 R" % (first_page + n) for n in range(pages))
    add(1, b"<< /Type /Catalog /Pages 2 0 R >>")
    add(2, b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages))
    for n in range(pages):
        entries.append(b"\2" + (first_stream + n).to_bytes(4, "big") + b"\0")
    for n in range(pages):
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] >>"
        head = b"%d 0 " % (first_page + n)
        packed = zlib.compress(head + page + b" " * size, 9)
        add(
            first_stream + n,
            b"<< /Type /ObjStm /N 1 /First %d /Length %d /Filter /FlateDecode >>\nstream\n%s\n"
            b"endstream" % (len(head), len(packed), packed),
        )
    start, number = len(out), first_stream + pages
    entries.append(b"\1" + start.to_bytes(4, "big") + b"\0")
    table = b"".join(entries)
    out += b"%d 0 obj\n<< /Type /XRef /Size %d /W [1 4 1] /Root 1 0 R /Length %d >>\n" % (
        number,
        number + 1,
        len(table),
    )
    out += b"stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, start)
    return bytes(out)


def nested_forms(depth: int) -> bytes:
    """Drawings that draw the next one ten times: ten to the power of `depth` in all."""
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources "
        b"<< /XObject << /F 5 0 R >> >> >>",
        b"<< /Length 5 >>\nstream\n/F Do\nendstream",
    ]
    for level in range(depth):
        content = b"/F Do " * 10
        parts.append(
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length %d /Resources << /XObject "
            b"<< /F %d 0 R >> >> >>\nstream\n%s\nendstream" % (len(content), 6 + level, content)
        )
    parts.append(
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 3 >>\nstream\nq Q\nendstream"
    )
    return _objects(parts)


def _with_content(packed: bytes) -> bytes:
    return _objects(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R >>",
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
        ]
    )


def _objects(parts: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, part in enumerate(parts, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(parts) + 1,
        start,
    )
    return bytes(out)


def with_aes(user_password: str) -> bytes:
    """The same leaflet locked with AES-256, as programs of today do."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(encrypted(""))))
    writer.encrypt(user_password=user_password, owner_password="owner", algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
