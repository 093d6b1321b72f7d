"""Every kind of bad file: its own error, message, hint and exit code, and never anything else."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest

from bot.errors import (
    DecompressionBomb,
    DocumentError,
    EmptyDocument,
    EncryptedDocument,
    FrontMatterError,
    OversizedDocument,
    ScannedDocument,
    TruncatedDocument,
    UnknownFormat,
    UnreadableDocument,
    WrongEncoding,
    WrongType,
)
from bot.indexing.loading import Limits, load
from tests import making_docx, making_pdfs

PDF = making_pdfs.leaflet()
DOCX = making_docx.leaflet()
HTML = b"<!DOCTYPE html><html><body><main><h1>T</h1><p>Call us first.</p></main></body></html>"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600


def docx_with(**parts: bytes) -> bytes:
    return making_docx.changed(
        DOCX, {name.replace("__", "/"): data for name, data in parts.items()}
    )


def document_xml(replace: Callable[[bytes], bytes]) -> bytes:
    xml = making_docx.part(DOCX, "word/document.xml")
    return making_docx.changed(DOCX, {"word/document.xml": replace(xml)})


def zip_of(**parts: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def locked_zip() -> bytes:
    data = bytearray(DOCX)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


LAUGHS = b"""<!DOCTYPE w:document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"""
OUTSIDE = b"""<!DOCTYPE w:document [<!ENTITY a SYSTEM "file:///etc/hostname">]>"""
DEEP_HTML = b"<html><body>" + b"<div>" * 5000 + b"deep" + b"</div>" * 5000 + b"</body></html>"


def deep_xml(xml: bytes) -> bytes:
    return xml.replace(b"<w:body>", b"<w:body>" + b"<w:sdt><w:sdtContent>" * 3000, 1).replace(
        b"</w:body>", b"</w:sdtContent></w:sdt>" * 3000 + b"</w:body>", 1
    )


def declared(xml: bytes, declaration: bytes, body: bytes) -> bytes:
    xml = xml.replace(b"?>", b"?>" + declaration, 1)
    return xml.replace(b"when your counts", body, 1)


BAD: list[tuple[str, str, bytes, type[DocumentError], str]] = [
    ("unknown suffix", "a.exe", b"MZ", UnknownFormat, "no loader takes this kind of file"),
    ("no suffix", "leaflet", b"Hi", UnknownFormat, "no loader"),
    ("old Word suffix", "a.doc", OLE, UnknownFormat, "no loader"),
    ("empty PDF", "a.pdf", b"", EmptyDocument, "the file is empty"),
    ("empty Word file", "a.docx", b" \n", EmptyDocument, "the file is empty"),
    ("empty page", "a.html", b"<html><body></body></html>", EmptyDocument, "no text to quote"),
    (
        "page of menus",
        "a.html",
        b"<html><body><nav>Menu</nav></body></html>",
        EmptyDocument,
        "no text",
    ),
    ("PDF in .docx", "a.docx", PDF, WrongType, "but the file is a PDF"),
    ("Word in .pdf", "a.pdf", DOCX, WrongType, "but the file is a Word document"),
    ("HTML in .pdf", "a.pdf", HTML, WrongType, "but the file is a web page"),
    ("text in .pdf", "a.pdf", b"Hello there.", WrongType, "plain text or something else"),
    ("picture in .pdf", "a.pdf", b"\x89PNG\r\n\x1a\n0000", WrongType, "but the file is a picture"),
    ("old Word in .docx", "a.docx", OLE, WrongType, "an old Word"),
    ("RTF in .docx", "a.docx", b"{\\rtf1 hello}", WrongType, "a rich text file"),
    ("zip in .docx", "a.docx", zip_of(a=b"1"), WrongType, "a zip archive"),
    ("PDF in .md", "a.md", PDF, WrongType, "the name says Markdown text"),
    ("PDF in .html", "a.html", PDF, WrongType, "the name says a web page"),
    (
        "locked PDF",
        "a.pdf",
        making_pdfs.encrypted("key"),
        EncryptedDocument,
        "only with a password",
    ),
    (
        "locked PDF, AES",
        "a.pdf",
        making_pdfs.with_aes("k"),
        EncryptedDocument,
        "only with a password",
    ),
    (
        "locked Word file",
        "a.docx",
        OLE + "EncryptedPackage".encode("utf-16-le"),
        EncryptedDocument,
        "only with a password",
    ),
    ("locked zip parts", "a.docx", locked_zip(), EncryptedDocument, "only with a password"),
    ("scan", "a.pdf", making_pdfs.pictures_only(), ScannedDocument, "only pictures of pages"),
    ("half a PDF", "a.pdf", PDF[: len(PDF) // 2], TruncatedDocument, "end of the PDF is missing"),
    ("half a Word file", "a.docx", DOCX[: len(DOCX) // 2], TruncatedDocument, "cut off or damaged"),
    ("half a page", "a.html", HTML[:60], TruncatedDocument, "never ends it"),
    ("cp1252 text", "a.txt", "---\ntitle: T\n---\nIt’s".encode("cp1252"), WrongEncoding, "a.txt:4"),
    ("cp1252 page", "a.html", "<p>It’s fine.</p>".encode("cp1252"), WrongEncoding, "not UTF-8"),
    ("UTF-16 without mark", "a.txt", "Hällo there".encode("utf-16-le"), WrongEncoding, "not UTF-8"),
    ("English in UTF-16", "a.txt", "Hi there".encode("utf-16-le"), WrongEncoding, "not UTF-8"),
    (
        "wrong charset",
        "a.html",
        b'<html><meta charset="klingon"><body><p>\xff</p></body></html>',
        WrongEncoding,
        "the page declares (klingon)",
    ),
    (
        "too many pages",
        "a.pdf",
        making_pdfs.many_pages(31),
        OversizedDocument,
        "31 pages; at most 30",
    ),
    ("PDF bomb", "a.pdf", making_pdfs.bomb(8_000_000), DecompressionBomb, "unpacks or repeats"),
    (
        "packed objects",
        "a.pdf",
        making_pdfs.packed_objects(9, 900_000),
        DecompressionBomb,
        "unpacks or repeats",
    ),
    (
        "endless XML",
        "a.docx",
        document_xml(lambda x: x.replace(b"</w:body>", b" " * 2_500_000 + b"</w:body>")),
        DecompressionBomb,
        "bytes of XML",
    ),
    (
        "forms in forms",
        "a.pdf",
        making_pdfs.nested_forms(9),
        DecompressionBomb,
        "unpacks or repeats",
    ),
    (
        "endless forms",
        "a.pdf",
        making_pdfs.nested_forms(40),
        DecompressionBomb,
        "unpacks or repeats",
    ),
    (
        "Word bomb",
        "a.docx",
        docx_with(word__media__a=b"\x00" * 9_000_000),
        DecompressionBomb,
        "at most 6,000,000",
    ),
    (
        "strongly packed",
        "a.docx",
        zip_of(**{"word/document.xml": b"<a/>", "word/media/a": b"\x00" * 5_500_000}),
        DecompressionBomb,
        "times its size",
    ),
    (
        "too many parts",
        "a.docx",
        making_docx.changed(DOCX, {f"p{n}": b"" for n in range(5001)}),
        DecompressionBomb,
        "parts; at most 5,000",
    ),
    (
        "entities that grow",
        "a.docx",
        document_xml(lambda xml: declared(xml, LAUGHS, b"&b;")),
        DecompressionBomb,
        "defines entities",
    ),
    (
        "entity of a file",
        "a.docx",
        document_xml(lambda xml: declared(xml, OUTSIDE, b"&a;")),
        DecompressionBomb,
        "defines entities",
    ),
    (
        "entities in UTF-16",
        "a.docx",
        document_xml(lambda xml: declared(xml, LAUGHS, b"&b;").decode().encode("utf-16")),
        DecompressionBomb,
        "defines entities",
    ),
    ("deep page", "a.html", DEEP_HTML, DecompressionBomb, "nest too deep"),
    ("deep Word file", "a.docx", document_xml(deep_xml), UnreadableDocument, "cannot be read"),
    ("broken XML", "a.docx", document_xml(lambda x: x[:-40]), UnreadableDocument, "cannot be read"),
    (
        "no document inside",
        "a.docx",
        zip_of(**{"word/other.xml": b"<a/>"}),
        UnreadableDocument,
        "holds no Word document",
    ),
]
SMALL = Limits(max_pages=30, max_unpacked_bytes=6_000_000)


@pytest.mark.parametrize(
    ("name", "data", "error", "says"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_each_bad_file_says_what_is_wrong_and_what_to_do(
    name: str, data: bytes, error: type[DocumentError], says: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        load(name, data, limits=SMALL)
    assert type(caught.value) is error
    assert says in str(caught.value)
    assert str(caught.value).startswith(name)
    assert caught.value.hint
    assert caught.value.exit_code == 3


def test_many_comments_before_the_page_do_not_stall_the_look_at_its_kind() -> None:
    data = b"<!---->" * 500 + b"<p>Call us first.</p>"
    assert load("a.html", data).text == "Call us first."


def test_the_hint_names_the_likely_encoding() -> None:
    with pytest.raises(WrongEncoding) as caught:
        load("a.html", "<p>It’s fine.</p>".encode("cp1252"))
    assert "Windows-1252" in caught.value.hint
    for text in ("Hällo there", "Hello there"):
        with pytest.raises(WrongEncoding) as caught:
            load("a.txt", text.encode("utf-16-le"))
        assert "UTF-16" in caught.value.hint


def test_utf_16_with_its_mark_is_read() -> None:
    text = "---\ntitle: T\n---\nGrüße.\n"
    assert load("a.md", text.encode("utf-16")).text == "Grüße."


def test_a_word_about_bmt_or_pdf_is_no_wrong_type() -> None:
    text = (
        b"---\ntitle: BMT\n---\nBMT stands for bone marrow transplant. A %PDF- mark begins a PDF.\n"
    )
    assert load("a.txt", text).text.startswith("BMT stands")


@pytest.mark.parametrize(("name", "data"), [("a.pdf", PDF), ("a.docx", DOCX), ("a.html", HTML)])
def test_a_file_cut_anywhere_is_refused_with_its_name(name: str, data: bytes) -> None:
    assert load(name, data).sections
    for tenth in range(10):
        with pytest.raises(DocumentError, match=f"^{name}"):
            load(name, data[: len(data) * tenth // 10])


@pytest.mark.parametrize(("name", "data"), [("a.pdf", PDF), ("a.docx", DOCX), ("a.html", HTML)])
def test_flipped_bytes_never_crash_the_loader(name: str, data: bytes) -> None:
    chance = random.Random(7)
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 40)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            document = load(name, bytes(broken))
        except DocumentError:
            continue
        assert all(s.span.of(document.text).strip() for s in document.sections)


def test_a_yaml_bomb_in_front_matter_is_a_short_error() -> None:
    lists = ["&a [x, x, x, x, x, x, x, x, x]"]
    lists += [
        f"&{n} [{', '.join([f'*{b}'] * 9)}]" for b, n in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    block = f"title: [{', '.join(lists)}]"
    with pytest.raises(FrontMatterError) as caught:
        load("a.md", f"---\n{block}\n---\nHi.".encode())
    assert len(str(caught.value)) < 1000
    deep = "---\ntitle: " + "[" * 1_000 + "\n---\nHi."
    with pytest.raises(FrontMatterError):
        load("a.md", deep.encode())
