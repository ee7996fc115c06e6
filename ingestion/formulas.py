"""Cells that a spreadsheet would take for a formula: written so that it does not, read as they were meant."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*\s?%?")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet might run the cell. A plain number with its sign is none."""
    return _FORMULA.match(text) is not None and not _NUMBER.fullmatch(text)


def guarded(text: str) -> str:
    """The cell with an apostrophe before it, where it would be taken for a formula."""
    return f"'{text}" if is_formula(text) else text


def unguarded(text: str) -> str:
    """What `guarded` made the cell of; any other comes back unchanged."""
    return text[1:] if text.startswith("'") and is_formula(text[1:]) else text
