"""Web pages: headings, text, lists and tables of the content; navigation, scripts and hidden parts are left out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning
from bs4.element import Comment, NavigableString, PreformattedString, Tag

from app.errors import BadInput
from ingestion.converted import Block, ConvertedDocument, ConvertedFile, Grid, Heading, Paragraph, Row
from ingestion.text import clean, decode, invisible_count, one_line

SUFFIXES = frozenset({".html", ".htm"})
_DROPPED = frozenset(
    {
        "script", "style", "nav", "header", "footer", "aside", "template", "noscript", "svg", "iframe", "object",
        "embed", "form", "button", "select", "input", "canvas", "video", "audio", "dialog", "head", "math",
    }
)  # fmt: skip
_NOISE = re.compile(
    r"(?:^|[\s_-])(?:breadcrumbs?|toc|table-of-contents|navbar|nav|menu|sidebar|cookies?|cookie-banner|footer|pagination|share|"
    r"social|helpful|article-votes|skip-link|visually-hidden|sr-only)(?:$|[\s_-])",
    re.IGNORECASE,
)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em)?\s*(?:;|$)", re.IGNORECASE
)
_FURNITURE = re.compile(
    r"(?:更新|发布|最后|编辑|updated|posted|published|last)[^。!！?？]{0,50}"
    r"(?:(?:阅读|浏览)\D{0,4}[\d,.]+\D{0,2}|[\d,.]+k? (?:views|reads))|"
    r"(?:这篇|本)(?:文章|内容|回答)(?:对[您你])?(?:有帮助|有用)吗.{0,12}|"
    r"(?:was|did|is) this (?:article |page |answer )?help(?:ful)?(?: you)?\?.{0,20}|"
    r"\d+ (?:out )?of \d+ (?:people )?found this helpful",
    re.IGNORECASE,
)
"""What a help centre's page says about itself: counted readers, and the question whether it helped."""
_BLOCKS = frozenset(
    {
        "address", "article", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset",
        "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "html", "li", "main", "ol", "p", "pre",
        "section", "summary", "table", "ul",
    }
)  # fmt: skip
_HEADING = re.compile(r"h[1-6]")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:[a-zA-Z]{2,8}|#\d{2,6});")
MAX_DEPTH = 200
MAX_SPAN = 100


def convert(path: Path) -> ConvertedFile:
    """One document a page. Raises BadInput when there is no readable text on it."""
    data = path.read_bytes()
    text = decode(data)
    # Imported here: what reads linked data reads HTML in it.
    from ingestion.converters.json_ld import documents_of, without_questions  # noqa: PLC0415

    soup = _soup(text)
    linked = [tag.get_text() for tag in soup.find_all("script", type="application/ld+json")]
    title = one_line(soup.title.get_text()) if soup.title else ""
    first = soup.find("h1")
    heading = one_line(first.get_text()) if first else ""
    _drop_noise(soup)
    blocks = list(_blocks(soup.body or soup, 0))
    if first and first.decomposed and heading:  # it stood in the site's header
        blocks.insert(0, Heading(1, heading))
    top = next((b.text for b in blocks if isinstance(b, Heading) and b.level == 1), "")
    data_documents = documents_of(linked, top or title or path.stem)
    blocks = without_questions(blocks, data_documents)
    if not blocks and not data_documents:
        raise BadInput("the page holds no readable text (only scripts, navigation or hidden parts)")
    hidden = invisible_count(text)
    notes = (f"{hidden} invisible characters were removed",) if hidden else ()
    page = (ConvertedDocument(top or title or path.stem, tuple(blocks)),) if blocks else ()
    return ConvertedFile((*page, *data_documents), (), notes)


def html_blocks(text: str) -> list[Block]:
    """The headings, paragraphs and tables of a piece of HTML, such as an article's body."""
    soup = _soup(text)
    _drop_noise(soup)
    return list(_blocks(soup.body or soup, 0))


def html_to_text(cell: str) -> str:
    """A cell that may hold HTML as plain text, lists as `- item` lines; plain text comes back unchanged."""
    if not _TAG.search(cell):
        return clean(cell)
    soup = _soup(cell)
    _drop_noise(soup)
    parts: list[str] = []
    for block in _blocks(soup, 0):
        if isinstance(block, Grid):
            parts.extend(" | ".join(row.cells) for row in block.rows)
        else:
            parts.append(block.text)
    return clean("\n".join(parts))


def _soup(text: str) -> BeautifulSoup:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        return BeautifulSoup(clean_entities(text), "lxml")


def clean_entities(text: str) -> str:
    """Without document type and entity declarations: nothing is ever resolved from a file."""
    return re.sub(
        r"<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>|<!ENTITY[^>]*>", "", text, count=0, flags=re.IGNORECASE | re.DOTALL
    )


def _drop_noise(soup: BeautifulSoup) -> None:
    for node in soup.find_all(string=lambda s: isinstance(s, Comment | PreformattedString)):
        node.extract()
    for tag in list(soup.find_all(True)):
        if not tag.decomposed and _is_noise(tag):
            tag.decompose()


def _is_noise(tag: Tag) -> bool:
    if tag.name in _DROPPED:
        # An article's own header holds its title, not the site's menu.
        return not (tag.name == "header" and tag.find(_HEADING) and not tag.find("nav"))
    if tag.name in ("html", "body", "main", "article"):
        return False
    names = " ".join([*tag.get_attribute_list("class"), str(tag.get("id") or "")]) if tag.attrs else ""
    hidden = tag.has_attr("hidden") or tag.get("aria-hidden") == "true" or _HIDDEN.search(str(tag.get("style") or ""))
    return bool(hidden or tag.get("role") in ("navigation", "banner", "contentinfo") or _NOISE.search(names))


def _blocks(parent: Tag, depth: int) -> Iterator[Block]:
    inline: list[str] = []
    for child in parent.children:
        if isinstance(child, Tag) and (child.name in _BLOCKS or _holds_blocks(child)):
            yield from _paragraph(inline)
            yield from _block(child, depth)
        elif isinstance(child, Tag):
            inline.append(_inline(child))
        elif isinstance(child, NavigableString):
            inline.append(re.sub(r"\s+", " ", child))
    yield from _paragraph(inline)


def _holds_blocks(tag: Tag) -> bool:
    return tag.name != "br" and tag.find(list(_BLOCKS)) is not None


def _paragraph(inline: list[str]) -> Iterator[Block]:
    text = clean("".join(inline))
    inline.clear()
    if text and not (len(text) < 80 and _FURNITURE.fullmatch(text)):
        yield Paragraph(text)


def _block(tag: Tag, depth: int) -> Iterator[Block]:
    if depth > MAX_DEPTH:
        yield from _paragraph([tag.get_text(" ")])
    elif _HEADING.fullmatch(tag.name):
        if text := one_line(_inline(tag)):
            yield Heading(int(tag.name[1]), text)
    elif tag.name == "summary":
        yield Heading(6, one_line(_inline(tag)))
    elif tag.name in ("ul", "ol"):
        yield from _paragraph(["\n".join(_list_lines(tag, 0))])
    elif tag.name == "table":
        yield from _table(tag, depth)
    elif tag.name == "dl":
        yield from _definitions(tag)
    elif tag.name == "pre":
        yield from _paragraph([tag.get_text()])
    elif tag.name == "p" and (strong := _only_bold(tag)):
        yield Heading(6, strong)
    else:
        yield from _blocks(tag, depth + 1)


def _only_bold(tag: Tag) -> str:
    """The text of a paragraph that is bold from end to end and reads like a heading, else nothing."""
    children = [c for c in tag.children if not (isinstance(c, NavigableString) and not c.strip())]
    if len(children) != 1 or not isinstance(children[0], Tag) or children[0].name not in ("b", "strong"):
        return ""
    text = one_line(_inline(tag))
    return text if 0 < len(text) <= 60 and text[-1] not in "。.!！;；,，:：" else ""


def _list_lines(tag: Tag, depth: int) -> Iterator[str]:
    if depth > 8:
        return
    for number, item in enumerate(tag.find_all("li", recursive=False), start=1):
        nested = item.find_all(["ul", "ol"])
        inner = [
            child for child in nested if not any(child in other.descendants for other in nested if other is not child)
        ]
        for child in inner:
            child.extract()
        text = one_line(" ".join(_text_of(block) for block in _blocks(item, depth + 1)))
        mark = f"{number}. " if tag.name == "ol" else "- "
        if text:
            yield f"{mark}{text}"
        for child in inner:
            yield from _list_lines(child, depth + 1)


def _text_of(block: Block) -> str:
    return " ".join(" ".join(row.cells) for row in block.rows) if isinstance(block, Grid) else block.text


def _definitions(tag: Tag) -> Iterator[Block]:
    for child in tag.find_all(["dt", "dd"]):
        text = one_line(_inline(child))
        if text:
            yield Heading(6, text) if child.name == "dt" else Paragraph(text)


def _table(tag: Tag, depth: int) -> Iterator[Block]:
    if caption := tag.find("caption"):
        yield from _paragraph([_inline(caption)])
    rows = [row for row in tag.find_all("tr") if row.find_parent("table") is tag]
    filled = _grid_cells(rows)
    if max((len(r.cells) for r in filled), default=0) < 2 or any(row.find("table") for row in rows):
        for row in rows:  # a table used for layout
            for cell in row.find_all(["td", "th"], recursive=False):
                yield from _blocks(cell, depth + 1)
        return
    yield Grid(tuple(filled))


def _grid_cells(rows: list[Tag]) -> list[Row]:
    """Rows with spans filled in: a value that spans rows is repeated, one that spans columns stands in the first."""
    filled: list[Row] = []
    hanging: dict[int, tuple[int, str]] = {}
    for number, row in enumerate(rows, start=1):
        cells: list[str] = []
        for cell in row.find_all(["td", "th"], recursive=False):
            _hang(cells, hanging)
            text = one_line(_inline(cell))
            down, across = _span(cell, "rowspan"), _span(cell, "colspan")
            for offset in range(across):
                if down > 1:
                    hanging[len(cells)] = (down - 1, text if offset == 0 else "")
                cells.append(text if offset == 0 else "")
        _hang(cells, hanging)
        if any(cells):
            filled.append(Row(number, tuple(cells)))
    return filled


def _hang(cells: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    while len(cells) in hanging:
        left, text = hanging.pop(len(cells))
        if left > 1:
            hanging[len(cells)] = (left - 1, text)
        cells.append(text)


def _span(cell: Tag, name: str) -> int:
    written = str(cell.get(name) or "1")
    return min(max(int(written), 1), MAX_SPAN) if written.isdigit() else 1


def _inline(tag: Tag) -> str:
    if tag.name == "br":
        return "\n"
    if tag.name == "img":
        return str(tag.get("alt") or "")
    parts: list[str] = []
    for child in tag.children:
        if isinstance(child, Tag):
            separator = " " if child.name in _BLOCKS else ""
            parts.append(separator + _inline(child) + separator)
        elif isinstance(child, NavigableString):
            parts.append(re.sub(r"\s+", " ", child))
    text = "".join(parts)
    target = str(tag.get("href") or "") if tag.name == "a" else ""
    if target.startswith(("http://", "https://", "mailto:", "tel:")) and text.strip():
        address = target.split(":", 1)[1] if target.startswith(("mailto:", "tel:")) else target
        if address.strip("/") not in text:
            return f"{text} ({address})"
    return text
