"""What the browser tests measured, printed at the end of the run: CI's log is the record of it."""

from __future__ import annotations


class Report:
    """Lines and tables by title."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}
        self._tables: dict[str, dict[str, dict[str, object]]] = {}

    def add(self, title: str, line: str) -> None:
        self._lines.setdefault(title, []).append(line)

    def cell(self, title: str, row: str, column: str, value: object) -> None:
        self._tables.setdefault(title, {}).setdefault(row, {})[column] = value

    def lines(self) -> list[str]:
        """Everything, ready to print."""
        out: list[str] = []
        for title, rows in self._tables.items():
            columns = list(dict.fromkeys(name for row in rows.values() for name in row))
            wide = max(map(len, rows))
            out += ["", title, f"{'':{wide}}  {'  '.join(columns)}"]
            for name, row in rows.items():
                cells = (f"{row.get(column, '-')!s:>{len(column)}}" for column in columns)
                out.append(f"{name:{wide}}  {'  '.join(cells)}")
        for title, lines in self._lines.items():
            out += ["", title, *lines]
        return out
