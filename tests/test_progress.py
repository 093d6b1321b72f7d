"""What an ingest leaves of a terminal, however it ends."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from bot.cli_output import progress

HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def left(terminal: Terminal) -> str:
    """What the cursor is in the end; empty where nothing touched it."""
    text = terminal.getvalue()
    last = max(text.rfind(HIDDEN), text.rfind(SHOWN))
    return text[last : last + len(SHOWN)] if last >= 0 else ""


def test_an_unchanged_folder_touches_nothing(terminal: Terminal) -> None:
    with redirect_stderr(terminal), progress(quiet=False):
        pass
    assert terminal.getvalue() == ""


def test_the_cursor_is_back_after_the_last_document(terminal: Terminal) -> None:
    with redirect_stderr(terminal), progress(quiet=False) as told:
        told(0, 2, "a.md")
        assert left(terminal) == HIDDEN
        told(1, 2, "b.md")
        told(2, 2, "done")
        assert left(terminal) == SHOWN
    assert left(terminal) == SHOWN
    assert terminal.getvalue().count(SHOWN) == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_cursor_is_back_after_an_error_in_the_middle(
    terminal: Terminal, error: type[BaseException]
) -> None:
    def work() -> None:
        with redirect_stderr(terminal), progress(quiet=False) as told:
            told(0, 2, "a.md")
            raise error

    with pytest.raises(error):
        work()
    assert left(terminal) == SHOWN


def test_a_line_a_document_without_a_terminal_and_nothing_when_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for quiet, said in ((False, "[1/2] a.md\n"), (True, "")):
        with progress(quiet=quiet) as told:
            told(0, 2, "a.md")
            told(2, 2, "done")
        assert capsys.readouterr().err == said
