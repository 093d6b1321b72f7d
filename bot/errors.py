"""The error tree. Every error has a message, a hint (what to do next) and an exit code.

Exit codes: 2 bad input or settings, 3 a document, 4 the index, 5 the model, 6 safety rules,
7 a lock held by someone else.
"""

from __future__ import annotations

import traceback


def arisen(error: BaseException) -> str:
    """Of which kind an error is and where it arose, never its message: that can hold a patient's
    words."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in reversed(frames))
    return f"{type(error).__name__} at {where}"


class BotError(Exception):
    """Root of all expected failures. `str()` is fit to show; `hint` says what to do next."""

    exit_code = 1
    hint = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint


class SettingsError(BotError):
    """A setting is unknown or has a value that cannot be used."""

    exit_code = 2
    hint = "See docs/settings.md for the names and values that are understood."


class QuestionError(BotError):
    """The question cannot be used as it is (empty, too long, no words)."""

    exit_code = 2
    hint = "Write your question in a sentence or two and try again."


class StaffError(BotError):
    """An account of the staff pages cannot be made, changed or found."""

    exit_code = 2
    hint = "Run: python -m bot staff list"


class WeakPassword(StaffError):
    """The password is too short or too long."""

    hint = "Take a sentence of a few words; signs and digits are not asked for."


class AccountsUnreadable(StaffError):
    """The file with the accounts cannot be read or written."""

    hint = (
        "Look at the file and its rights (BOT_REVIEW__ACCOUNTS_FILE), or move it away and make "
        "the accounts anew: python -m bot staff add NAME --role ROLE"
    )


class DocumentError(BotError):
    """A document cannot be read. `source_id` and, where known, `line` say where."""

    exit_code = 3
    hint = "Correct the file and run the ingest again; what was indexed of it before stays."

    def __init__(
        self, message: str, *, source_id: str, line: int | None = None, hint: str | None = None
    ) -> None:
        place = f"{source_id}:{line}" if line is not None else source_id
        super().__init__(f"{place}: {message}", hint=hint)
        self.source_id = source_id
        self.line = line
        self.bare = message


class EmptyDocument(DocumentError):
    """The file holds no text."""

    hint = "Put text into it and run the ingest again, or take it out of the folder."


class UnreadableDocument(DocumentError):
    """The file cannot be opened, or its bytes cannot be understood."""

    hint = (
        "Open it in the program that made it, save it again, and run the ingest again; what was "
        "indexed of it before stays."
    )


class WrongType(UnreadableDocument):
    """The bytes are of another kind than the file's name says."""

    hint = "Give the file its real suffix, or export it again as the kind that its name says."


class WrongEncoding(UnreadableDocument):
    """The text is not in an encoding that can be read for certain."""

    hint = "Save it again with the encoding UTF-8."


class EncryptedDocument(UnreadableDocument):
    """The file opens only with a password."""

    hint = "Save a copy without a password."


class ScannedDocument(UnreadableDocument):
    """The pages are pictures: there is no text to quote."""

    hint = "Run text recognition (OCR) over it and check the result, or type the text into a file."


class TruncatedDocument(UnreadableDocument):
    """The end of the file is missing. Half a leaflet is never indexed."""

    hint = "The file was cut off, perhaps while it was copied. Copy or download it again."


class OversizedDocument(UnreadableDocument):
    """The file has more bytes, pages or characters than the settings allow."""

    hint = "Split it, or raise the limit (docs/settings.md, BOT_CHUNKING__...)."


class DecompressionBomb(UnreadableDocument):
    """The file unpacks, nests or repeats to far more than a leaflet holds."""

    hint = "Do not open it elsewhere before you know who made it. Export the leaflet again."


class LinkOutside(UnreadableDocument):
    """A link leads out of the knowledge folder."""

    hint = "Copy the file into the folder instead of linking to it."


class FrontMatterError(DocumentError):
    """The front matter or sidecar is missing, is not YAML, or has a missing or wrong field."""

    hint = (
        "Correct the line named (docs/knowledge.md lists the fields) and run the ingest again; "
        "what was indexed of the document before stays."
    )


class SidecarWithoutDocument(FrontMatterError):
    """A `NAME.meta.yaml` stands in the folder and the document NAME does not."""

    hint = "Put the document beside it, correct the sidecar's name, or remove the sidecar."


class SourceListError(BotError):
    """The list of addresses to fetch is wrong."""

    exit_code = 2
    hint = "Correct the list; docs/fetching.md describes it."


class FetchError(BotError):
    """An address could not be fetched. What was fetched of it before stays."""

    exit_code = 3
    hint = "Look at the address in a browser and correct it in the list."


class RemoteUnreachable(FetchError):
    """The site does not answer, answers with an error, or is too slow."""

    hint = "Try again later."


class RemoteTooLarge(FetchError):
    """The site sends more than is taken."""

    hint = "If the size is right, raise max_bytes in the list."


class RemoteWrongType(FetchError):
    """The site sends another kind of file than the list expects."""

    hint = "Give the name in the list the ending of what the site sends, or correct the address."


class TooManyRedirects(FetchError):
    """One address leads to the next without end."""


class AddressRefused(FetchError):
    """The address leads where nothing is fetched from: our own network, or away from TLS."""

    hint = "Correct the address. For a server of your own network there is --allow-private."


class RobotsRefuse(FetchError):
    """The site asks programs to stay away from the address."""

    hint = "Ask the publisher for the document, or for leave, and put the file in by hand."


class ChangedByHand(FetchError):
    """The fetched file was edited here; it is not overwritten."""

    hint = "Move it out of the fetched folder to keep it, or delete it to have it fetched again."


class UnknownFormat(DocumentError):
    """No loader takes this suffix."""

    hint = "Save it as .docx, .pdf, .html, .md or .txt, or take it out of the folder."


class StoreError(BotError):
    """The index is missing, damaged or made for something else."""

    exit_code = 4
    hint = "Run: python ingest.py"


class NoIndex(StoreError):
    """Nothing has been ingested yet."""


class IndexMismatch(StoreError):
    """The index was made by another model or other chunk rules."""

    hint = "Run: python ingest.py --rebuild"


class DamagedIndex(StoreError):
    """The index does not hold together (counts, files or hashes differ)."""

    hint = "Run: python ingest.py --rebuild"


class ServerUnreachable(StoreError):
    """The Chroma server does not answer, or does not let us in."""

    hint = "Look whether the server runs and whether BOT_STORE__CHROMA_URL is right."


class BadArchive(StoreError):
    """The file is no export of an index, is damaged, or holds what does not belong into one."""

    hint = "Export the index again with: python -m bot export FILE. Nothing was changed here."


class UnknownSource(StoreError):
    """No document or span of that name is in the index."""

    hint = "Run: python -m bot search WORDS to see what the index holds."


class NotLogged(StoreError):
    """A withdrawal, its end or a change of an account holds, and the audit log could not be
    written."""

    hint = (
        "Note by hand who did it, when and why. Then look at free space and write access of the "
        "audit log's place."
    )


class ModelError(BotError):
    """The embedding model is missing or its weights are not the expected ones."""

    exit_code = 5
    hint = "Run: make setup (it installs the pinned model), or set BOT_EMBEDDING__MODEL."


class RulesError(BotError):
    """A rule file is missing, wrong or out of date. The bot must not answer without them."""

    exit_code = 6
    hint = "Correct the file under bot/rules/ and run: python -m bot doctor"


class LockHeld(BotError):
    """Another ingest is running."""

    exit_code = 7
    hint = "Wait for it to end, then run the command again."
