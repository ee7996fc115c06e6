"""What to write into a cell so that reading it gives a text."""

from __future__ import annotations

import html
from collections.abc import Iterable

from ingestion.converters.html import html_to_text
from ingestion.text import clean


def cell_for(text: str) -> str:
    """A cell that is read as the text: HTML in cells is taken as HTML, so what looks like it is spelt out."""
    if html_to_text(text) == text:
        return text
    spelt = html.escape(text, quote=False).replace("\n", "<br>\n")
    return spelt if html_to_text(clean(spelt)) == text else text


def cell_of_several(texts: Iterable[str]) -> str:
    """Several questions in one cell."""
    return cell_for("|".join(texts))
