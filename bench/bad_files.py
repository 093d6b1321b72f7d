"""Every kind of bad file beside good ones, through the real `python ingest.py FOLDER --json`.

Run: python bench/bad_files.py
     python bench/bad_files.py --at-once

Prints what the ingest says of each file, what it tells the person to do, and the exit code of a run
with this one bad file (with `--at-once`: only of one run with all of them). Where the kind allows
it, a good document of the same name was indexed before: its words must stay. Ends with exit code 1
where a file is not named, has no hint, where a good document is not indexed, or an earlier one is
lost. Root may read everything, so as root the runs give up that right (`setpriv`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from docx.document import Document as DocxDocument

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bot.indexing.generations import Generations
from bot.indexing.lexical import PassageStore
from tests import making_docx, making_pdfs

ROOT = Path(__file__).resolve().parent.parent
PDF = making_pdfs.leaflet()
DOCX = making_docx.leaflet()
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600
UNPACKED = 70_000_000
"""Beyond the default of BOT_CHUNKING__MAX_UNPACKED_BYTES."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`put` makes the bad file at a path; `earlier` is what stood there before, if anything.
    `code` is the exit code of a run that meets it."""

    what: str
    name: str
    put: Callable[[Path], None]
    earlier: bytes | None = None
    code: int = 3


def page(body: str, **fields: object) -> bytes:
    front = "".join(f"{name}: {value}\n" for name, value in fields.items())
    return f"---\ntitle: {body.split('.', 1)[0]}\n{front}---\n{body}\n".encode()


def _say(document: DocxDocument, said: str) -> None:
    document.add_paragraph(said)


def good(name: str) -> bytes:
    """A document of its own for a name, by its suffix."""
    said = f"The leaflet {name} was good before. Nurse {name} answers the phone at night."
    if name.endswith(".pdf"):
        return making_pdfs.text_lines([said])
    if name.endswith(".docx"):
        return making_docx.written(lambda document: _say(document, said))
    if name.endswith(".html"):
        return f"<html><body><main><p>{said}</p></main></body></html>".encode()
    return page(said)


def writes(data: bytes) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.write_bytes(data)

    return put


def case(what: str, name: str, data: bytes, *, code: int = 3, fresh: bool = False) -> Case:
    return Case(
        what=what,
        name=name,
        put=writes(data),
        earlier=None if fresh else good(name),
        code=code,
    )


def bomb_in_zip() -> bytes:
    out = BytesIO(DOCX)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/picture", bytes(UNPACKED))
    return out.getvalue()


def entities() -> bytes:
    xml = making_docx.part(DOCX, "word/document.xml")
    laughs = b'?><!DOCTYPE w:document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    return making_docx.changed(DOCX, {"word/document.xml": xml.replace(b"?>", laughs, 1)})


def unreadable(path: Path) -> None:
    path.write_bytes(good(path.name))
    path.chmod(0)


def closed_folder(path: Path) -> None:
    path.chmod(0)


def leads_out(path: Path) -> None:
    outside = path.parent.parent / "outside.md"
    outside.write_bytes(page("Words of another folder. Nobody may quote them."))
    path.symlink_to(outside)


def loop(path: Path) -> None:
    path.symlink_to(path.parent / "loop-back")
    (path.parent / "loop-back").symlink_to(path)


def repeated(sentences: int, *, last: str) -> bytes:
    body = " ".join(
        f"Visitor rule number {n} is on the wall of room {n}." for n in range(sentences)
    )
    return page(f"Rules for visitors. {body} {last}")


def cases() -> Iterator[Case]:
    future, past = date.today() + timedelta(days=400), date.today() - timedelta(days=400)
    yield case("suffix that no loader knows", "plan.odt", b"PK\x03\x04", fresh=True)
    yield case("old Word file", "old.doc", OLE, fresh=True)
    yield case("encrypted PDF", "locked.pdf", making_pdfs.encrypted("key"))
    yield case("encrypted Word file", "locked.docx", OLE + "EncryptedPackage".encode("utf-16-le"))
    yield case("scan without text", "scan.pdf", making_pdfs.pictures_only())
    yield case("truncated PDF", "half.pdf", PDF[: len(PDF) // 2])
    yield case("truncated Word file", "half.docx", DOCX[: len(DOCX) // 2])
    yield case("truncated web page", "half.html", b"<html><body><p>Call us")
    yield case("PDF named .docx", "wrong.docx", PDF)
    yield case("web page named .pdf", "wrong.pdf", good("wrong.html"))
    yield case("Windows-1252 text", "ansi.txt", page("It’s fine.").decode().encode("cp1252"))
    yield case("UTF-16 without mark", "utf16.txt", page("Hi there.").decode().encode("utf-16-le"))
    yield case("binary data in text", "binary.md", page("Hi.") + b"\x00\x01\x02")
    yield case("over the size", "large.txt", page("Long. " + "word " * 4_100_000))
    yield case("over the pages", "book.pdf", making_pdfs.many_pages(501))
    yield case("decompression bomb, zip", "bomb.docx", bomb_in_zip())
    yield case("decompression bomb, PDF stream", "bomb.pdf", making_pdfs.bomb(UNPACKED))
    yield case("bomb of drawings in drawings", "forms.pdf", making_pdfs.nested_forms(9))
    yield case("bomb of XML entities", "entities.docx", entities())
    yield case("empty file", "empty.md", b"")
    yield case("page of menus only", "menu.html", b"<html><body><nav>Home</nav></body></html>")
    yield case("no front matter", "bare.md", b"# Visits\n\nVisits are from 2 to 4.\n")
    yield case("date that is none", "date.md", page("Hello there.", review_by="soon"))
    yield case("sidecar without document", "gone.pdf.meta.yaml", b"title: X\n", fresh=True)
    yield Case(what="link out of the folder", name="link.md", put=leads_out)
    yield Case(what="links in a circle", name="loop.md", put=loop)
    yield Case(
        what="link to its own folder", name="up", put=lambda p: p.symlink_to(p.parent), code=0
    )
    yield Case(what="pipe", name="pipe.md", put=os.mkfifo)
    yield Case(
        what="no right to read the file",
        name="secret.md",
        put=unreadable,
        earlier=good("secret.md"),
    )
    yield Case(
        what="no right to open a folder",
        name="closed",
        put=closed_folder,
    )
    yield case("same content twice", "copy.pdf", PDF, fresh=True, code=0)
    yield case("nearly the same", "near.md", repeated(60, last="Ask us."), fresh=True, code=0)
    yield case("published in the future", "early.md", page("Hello.", published=future), code=0)
    yield case("review date passed", "late.md", page("Hi.", review_by=past), code=0)


GOOD = {
    "good.md": page("Good things. The good leaflet is read. A nurse comes each day."),
    "good.pdf": PDF,
    "good.docx": DOCX,
    "good.html": good("good.html"),
    "rules.md": repeated(60, last="Thank you."),
    "closed/inside.md": page("Inside words. They lie in a folder that is closed later."),
}
SILENT = {"link to its own folder"}
"""Nothing to report: the folder's documents are indexed under their own names."""


class Folder:
    def __init__(self, work: Path) -> None:
        self.path = work / "knowledge"
        self.path.mkdir()
        self._var = work / "var"
        self._drop: tuple[str, ...] = ()
        if os.geteuid() == 0:
            if not shutil.which("setpriv"):
                sys.exit("Root may read everything. Install setpriv, or run this as another user.")
            self._drop = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")

    def put(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            (self.path / name).parent.mkdir(exist_ok=True)
            (self.path / name).write_bytes(data)

    def restore(self, one: Case) -> None:
        path = self.path / one.name
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
            return
        path.unlink()
        (self.path / "loop-back").unlink(missing_ok=True)
        if one.earlier is not None:
            path.write_bytes(one.earlier)

    def ingest(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """Exit code, and the report of each file that is not unchanged."""
        done = subprocess.run(
            [*self._drop, sys.executable, str(ROOT / "ingest.py"), str(self.path), "--json"],
            env=os.environ | {"BOT_PATHS__VAR": str(self._var)},
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            files = json.loads(done.stdout)["files"]
        except ValueError:
            sys.exit(f"no JSON (exit code {done.returncode}): {done.stdout}{done.stderr}")
        return done.returncode, {f["source_id"]: f for f in files if f["change"] != "unchanged"}

    def texts(self) -> dict[str, str]:
        """What the serving index holds of each document."""
        store = PassageStore.open(Generations(self._var / "index").current().passages)
        try:
            return {name: store.document(name).text for name in store.file_hashes()}
        finally:
            store.close()


def lost(before: dict[str, str], after: dict[str, str], bad: set[str]) -> list[str]:
    """Documents that were indexed and are not, or say something else, although they stand in the
    folder as they did or cannot be read now. Those of `bad` may have been read anew."""
    return [
        n for n, text in before.items() if n not in after or (n not in bad and after[n] != text)
    ]


def show(one: Case, report: dict[str, Any] | None, code: int | str, notes: list[str]) -> None:
    said = report or {"change": "-", "error": None, "hint": None, "warnings": ["not reported"]}
    message = said["error"] or "; ".join(said["warnings"]) or said["change"]
    stale = "; earlier version still served" if said.get("stale") else ""
    print(f"{one.what} ({one.name}): exit code {code}, {said['change']}{stale}")
    for label, text in (("says", message), ("do", said["hint"]), ("WRONG", "; ".join(notes))):
        if text:
            print(textwrap.fill(f"{label:>6}: {text}", 110, subsequent_indent=" " * 8))


def judge(one: Case, report: dict[str, Any] | None) -> list[str]:
    """What is wrong with what the ingest says of this file."""
    if report is None:
        return [] if one.what in SILENT else ["the file is not named"]
    wrong = []
    if one.code and not (report["change"] == "failed" and report["error"] and report["hint"]):
        wrong.append("no error with a hint")
    if one.code and report["stale"] != (one.earlier is not None or one.name == "closed"):
        wrong.append("wrong about an earlier version")
    if not one.code and not report["warnings"]:
        wrong.append("no warning")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--at-once", action="store_true", help="one run with all bad files")
    chosen = parser.parse_args()
    everything = list(cases())
    failures = 0
    with tempfile.TemporaryDirectory(prefix="bad-files-") as scratch:
        folder = Folder(Path(scratch))
        folder.put(GOOD | {c.name: c.earlier for c in everything if c.earlier is not None})
        code, first = folder.ingest()
        before = folder.texts()
        print(f"Good documents first: exit code {code}, {len(before)} indexed\n")
        failures += code != 0 or len(before) != len(first)
        codes: dict[str, int] = {}
        for one in () if chosen.at_once else everything:
            one.put(folder.path / one.name)
            codes[one.name], reports = folder.ingest()
            notes = judge(one, reports.get(one.name))
            if codes[one.name] != one.code:
                notes.append(f"exit code {codes[one.name]}, not {one.code}")
            if gone := lost(before, folder.texts(), {one.name}):
                notes.append(f"lost: {', '.join(gone)}")
            failures += bool(notes)
            show(one, reports.get(one.name), codes[one.name], notes)
            folder.restore(one)
        for one in everything:
            one.put(folder.path / one.name)
        folder.put(
            {"new.md": page("New words. A leaflet that is new."), "good.md": page("Edited.")}
        )
        code, reports = folder.ingest()
        after = folder.texts()
        if chosen.at_once:
            for one in everything:
                notes = judge(one, reports.get(one.name))
                failures += bool(notes)
                show(one, reports.get(one.name), code, notes)
        read_anew = {"good.md", *(c.name for c in everything if not c.code)}
        gone = lost(before, after, read_anew)
        taken = "new.md" in after and "Edited" in after["good.md"]
        print(
            f"\nAll {len(everything)} at once: exit code {code}; a new and an edited good document "
            f"{'indexed' if taken else 'NOT INDEXED'}; {len(gone)} of {len(before)} earlier "
            f"documents lost; {failures} of the above wrong"
        )
        (folder.path / "closed").chmod(0o755)
    sys.exit(1 if failures or gone or not taken or code != 3 else 0)


if __name__ == "__main__":
    main()
