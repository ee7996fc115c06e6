"""What the suite measures on its way, as the rows of the table in docs/vllm.md."""

from __future__ import annotations


class Figures:
    """Rows in the order in which they were noted."""

    def __init__(self) -> None:
        self._rows: dict[str, str] = {}

    def note(self, what: str, seen: str) -> None:
        """Keep one; the same again replaces it."""
        self._rows[what] = seen

    def table(self) -> str:
        """As the table in docs/vllm.md has them."""
        rows = [f"| {what} | {seen} |" for what, seen in self._rows.items()]
        return "\n".join(["", "| what | seen |", "|---|---|", *rows, ""])
