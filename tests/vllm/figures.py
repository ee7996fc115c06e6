"""What the suite measures on its way, as the rows of the table in docs/vllm.md."""

from __future__ import annotations

import sys


class Figures:
    """Rows in the order in which they were noted."""

    def __init__(self) -> None:
        self._rows: dict[str, str] = {}

    def note(self, what: str, seen: str) -> None:
        """Keep one; the same again replaces it."""
        self._rows[what] = seen

    def print(self) -> None:
        """As a table, past pytest's capture."""
        if self._rows:
            rows = [f"| {what} | {seen} |" for what, seen in self._rows.items()]
            print("\n\n| what | seen |\n|---|---|", *rows, sep="\n", file=sys.__stdout__, flush=True)
