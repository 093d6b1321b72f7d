"""The error tree. Every error has a message, a hint (what to do next) and an exit code.

Exit codes: 2 bad input or settings, 3 a document, 4 the index, 5 the model, 6 safety rules,
7 a lock held by someone else.
"""

from __future__ import annotations


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


class UnreadableDocument(DocumentError):
    """The file's bytes are not what its suffix says, or cannot be opened."""


class FrontMatterError(DocumentError):
    """The front matter is missing, is not YAML, or has a missing or wrong field."""


class UnknownFormat(DocumentError):
    """No loader takes this suffix."""


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


class UnknownSource(StoreError):
    """No document or span of that name is in the index."""

    hint = "Run: python -m bot search WORDS to see what the index holds."


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
