"""Word leaflets for the loader's tests."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO

import docx
from docx.document import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls


def written(write: Callable[[Document], None]) -> bytes:
    """A Word file of what `write` does with an empty document."""
    document = docx.Document()
    write(document)
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def element(xml: str) -> object:
    """An XML element; `w:` and `mc:`, `wps:` are known."""
    names = nsdecls("w") + (
        ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
        ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
        ' xmlns:v="urn:schemas-microsoft-com:vml"'
    )
    first, rest = xml.split(">", 1)
    closed = first.endswith("/")
    return parse_xml(f"{first.rstrip('/')} {names}{'/' if closed else ''}>{rest}")


def leaflet() -> bytes:
    def write(document: Document) -> None:
        document.core_properties.title = "Going home"
        document.core_properties.author = "Jane Doe; user1"
        document.add_heading("Going home", 0)
        document.add_paragraph("You can go home when your counts are up.")
        document.add_heading("What to bring", 1)
        document.add_paragraph("A bag", style="List Bullet")
        document.add_paragraph("A friend", style="List Number")
        document.add_heading("Visits", 2)
        document.add_paragraph("Visits are from 2 to 4 in the afternoon.")

    return written(write)


def changed(data: bytes, replace: dict[str, bytes | None], *, stored: bool = False) -> bytes:
    """The zip file with parts replaced, added, or (None) left out."""
    out = BytesIO()
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(out, "w", method) as new:
        for item in old.infolist():
            if item.filename not in replace:
                new.writestr(item.filename, old.read(item))
        for name, content in replace.items():
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def part(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return archive.read(name)
