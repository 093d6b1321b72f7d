"""Leaflets as clinics have them, one of each kind and habit, for tests/test_leaflets.py."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import docx
from docx.shared import Pt
from reportlab.lib import colors
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    ListFlowable,
    ListItem,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

STYLES = getSampleStyleSheet()
BODY = STYLES["BodyText"]
NARROW = ParagraphStyle(
    "narrow", parent=BODY, fontName="Times-Roman", fontSize=10, leading=12.5, alignment=TA_JUSTIFY
)
_WITH = (
    "bread without its crust that lay in warm milk",
    "fruit",
    "potato that is mashed with butter and a little cream",
    "yogurt, plain or with honey",
    "pasta with a mild sauce and nothing that is sharp",
    "soup that cooled down",
    "fish without bones, steamed and taken apart with a fork",
)
_HOW = (
    "Eat it slowly",
    "Cut it into small pieces and mix it with sauce, as the dieti\u00adtian will show you",
    "Ask for more when you can swallow it well without any pain in your mouth or throat",
    "Leave it out",
    "Drink some water with it so that nothing stays between your teeth and your cheek",
)
FRONT = "---\ntitle: {}\npublisher: Ward 7\n---\n"


def mouth_care(foods: int) -> bytes:
    """Two columns with words cut at the line's end, a ruled header and a footer in small print. The
    last page fills its first column only; with few foods there is one page."""

    def running(canvas: Canvas, template: BaseDocTemplate) -> None:
        canvas.setTitle("Caring for your mouth after a transplant")
        canvas.setFont("Helvetica", 8)
        canvas.drawString(60, 810, "St Example Hospital Trust")
        canvas.drawRightString(535, 810, "Patient information")
        canvas.line(60, 805, 535, 805)
        canvas.drawString(60, 28, "PI-2291 v4, issued May 2026")
        canvas.drawRightString(535, 28, f"Page {template.page} of 4")

    out = BytesIO()
    template = BaseDocTemplate(out, pagesize=A4, invariant=1)
    columns = [Frame(60, 50, 225, 740), Frame(310, 50, 225, 740)]
    template.addPageTemplates(PageTemplate(frames=columns, onPage=running))
    daily = (
        "Rinse with salt water four times a day, also after each meal and be\u00adfore you sleep.",
        "Use a very soft tooth\u00adbrush and change it every month.",
        "Take den\u00adtures out at night; clean them twice a day.",
    )
    template.build(
        [
            Paragraph("Why mouth care matters", STYLES["Heading2"]),
            Paragraph(
                "The strong treat\u00adment be\u00adfore a trans\u00adplant hurts the lin\u00ading "
                "of the mouth. Sores can ap\u00adpear a week later. A clean mouth low\u00aders "
                "the chance of in\u00adfec\u00adtion.",
                NARROW,
            ),
            Paragraph("What you can do each day", STYLES["Heading2"]),
            ListFlowable([ListItem(Paragraph(x, NARROW)) for x in daily], bulletType="bullet"),
            Paragraph("Foods that are easy to swallow", STYLES["Heading2"]),
            *(
                Paragraph(f"Food {n} is soft {_WITH[n % 7]}. {_HOW[n % 5]} on day {n}.", NARROW)
                for n in range(foods)
            ),
            Paragraph("Whom to call", STYLES["Heading2"]),
            Paragraph(
                "Tell your nurse at once if you cannot drink, if your mouth bleeds, or if pain "
                "keeps you awake. The ward phone is answered day and night on 020 7946 0991.",
                NARROW,
            ),
        ]
    )
    return out.getvalue()


def food_table() -> bytes:
    """A PDF with a ruled table whose cells run over several lines."""
    rows = [
        ["Food", "Safe to eat", "Better to leave out"],
        ["Milk and cheese", "Pasteurised milk, hard cheese", "Raw milk, blue and soft cheese"],
        [
            "Eggs",
            Paragraph("Eggs that are cooked until both yolk and white are firm", BODY),
            "Runny eggs, raw cake mix",
        ],
        ["Meat and fish", "Well cooked meat and fish", "Sushi, rare steak, oysters"],
    ]
    style = [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
        ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    out = BytesIO()
    SimpleDocTemplate(out, pagesize=A4, invariant=1, title="Food safety with low counts").build(
        [
            Paragraph("Food safety with low counts", STYLES["Title"]),
            Paragraph("Why food matters now", STYLES["Heading1"]),
            Paragraph("While your white cells are low, germs in food can make you ill.", BODY),
            Paragraph("What can I eat?", STYLES["Heading1"]),
            Table(rows, colWidths=[110, 190, 180], style=style),
            Spacer(1, 12),
            Paragraph("In the kitchen", STYLES["Heading1"]),
            Paragraph("Keep raw meat on the lowest shelf of the fridge.", BODY),
        ]
    )
    return out.getvalue()


def packing() -> bytes:
    """A Word file with lists in lists and a table."""
    document = docx.Document()
    document.core_properties.title = "Packing for the hospital stay"
    document.add_heading("Packing for the hospital stay", 0)
    document.add_paragraph("Most people stay three to five weeks.")
    document.add_heading("What should I bring?", 1)
    for text, style in (
        ("Clothes:", "List Bullet"),
        ("Loose tops that open at the front", "List Bullet 2"),
        ("Slippers with a closed heel", "List Bullet 2"),
        ("A phone with its charger", "List Bullet"),
    ):
        document.add_paragraph(text, style=style)
    document.add_heading("Who may visit me?", 1)
    document.add_paragraph("Visitors must be well and must wash their hands.")
    table = document.add_table(rows=0, cols=3)
    table.style = "Table Grid"
    for row in (
        ("Day", "Hours", "Visitors at once"),
        ("Monday to Friday", "2 pm to 8 pm", "Two"),
        ("Weekend", "10 am to 8 pm", "Three"),
    ):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.add_paragraph("Children under twelve may come after a talk with the nurse.")
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def central_line() -> bytes:
    """A Word file without styles: headings are bold lines, steps are numbered by hand."""
    document = docx.Document()
    title = document.add_paragraph().add_run("Your central line at home")
    title.bold, title.font.size = True, Pt(18)
    document.add_paragraph("A central line is a thin tube that ends in a vein near the heart.")
    document.add_paragraph().add_run("How do I keep the line clean?").bold = True
    document.add_paragraph("Keep the dressing dry. The nurse changes it once a week.")
    document.add_paragraph("1. Wash your hands.")
    document.add_paragraph("2. Do not pull at the tube.")
    document.add_paragraph().add_run("Can I have a shower?").bold = True
    shower = document.add_paragraph("Yes, with a ")
    shower.add_run("waterproof").bold = True
    shower.add_run(" cover over the dressing. Do not take a bath and do not swim.")
    out = BytesIO()
    document.save(out)
    return out.getvalue()


SLEEP = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>Sleep after a transplant | Example Clinic</title>
<meta property="og:site_name" content="Example Clinic"><script>var a = "<p>evil</p>";</script>
</head><body><a href="#content" class="skip-link">Skip to content</a>
<header><nav><ul><li><a href="/">Home</a></li><li><a href="/c">Contact</a></li></ul></nav></header>
<div class="cookie-banner"><p>We use cookies to improve your visit.</p><button>Accept</button></div>
<div id="content"><ol class="breadcrumb"><li>Home</li><li>Life</li></ol>
<h1>Sleep after a transplant</h1>
<p>Many people sleep badly in the first <b>three months</b> after a transplant.</p>
<h2>What helps me to sleep?</h2><p>Get up at the same time each day. Go outside in the morning
light, even for ten minutes.<br>Leave your phone in another room.</p>
<ul><li>Rest by day for <em>thirty</em> minutes at most.</li><li>Drink no coffee after noon.
<ul><li>Cola and black tea count, too.</li></ul></li></ul>
<div class="share-buttons">Share on Facebook</div>
<h2>When do I tell my team about my sleep?</h2>
<p>Tell them if you sleep less than four hours for a week.</p></div>
<aside><h3>Related pages</h3><p>Diet tips</p></aside>
<div class="newsletter"><p>Sign up for our newsletter!</p></div>
<footer><p>Copyright 2026 Example Clinic</p></footer></body></html>"""

EXERCISE = """<html><head><title>Exercise week by week</title></head><body><main>
<h1>Exercise week by week</h1><p>Start slowly and add a little each week.</p>
<h2>How much should I walk?</h2><table><caption>Walking plan</caption>
<thead><tr><th>Week</th><th>Walk a day</th><th>Rest</th></tr></thead>
<tbody><tr><th scope="row">1 and 2</th><td>5 minutes, twice</td>
<td rowspan="2">After each walk</td></tr>
<tr><th scope="row">3 and 4</th><td>10 minutes, twice</td></tr>
<tr><th scope="row">5 to 8</th><td>20 minutes. Add stairs if you can.</td><td>As you like</td></tr>
</tbody></table><h2>Which sports must wait?</h2>
<table><tr><td>Swimming</td><td>Wait until the central line is out</td></tr>
<tr><td>Football</td><td>Wait until your team says that platelets are high enough</td></tr></table>
</main></body></html>"""

WORK = """<html><body><h1>Going back to work &amp; school</h1>
<p>Most people go back after 6&ndash;12&nbsp;months. It&rsquo;s fine to start with half
days&nbsp;&mdash; ask your employer.</p><p>Sick pay is &pound;116 a week. &#8220;Fit notes&#8221;
come from your doctor. 1&frac12; hours &#x2265; na&iuml;ve soft&shy;ware.</p></body></html>"""


def leaflets() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of ten leaflets."""
    yield "mouth.pdf", mouth_care(90)
    yield "food.pdf", food_table()
    yield "packing.docx", packing()
    yield "line.docx", central_line()
    yield "sleep.html", SLEEP.encode()
    yield "exercise.html", EXERCISE.encode()
    yield "work.html", WORK.encode()
    yield (
        "isolation.txt",
        (
            FRONT.format("Life in isolation") + "What may I bring into isolation?\n\nIt’s fine to "
            "bring photos and “clean” toys – nothing with soil."
        ).encode("cp1252"),
    )
    yield (
        "travel.md",
        b"# Travel\n\n## When can I fly?\n\nAsk your team before you book a flight.\n",
    )
    yield (
        "pets.txt",
        (
            FRONT.format("Pets at home") + "Can I keep my cat?\n\nYes, you can keep your cat. "
            "Someone else must clean the litter box for six months. Café dogs are fine.\n"
        ).encode("utf-16"),
    )
