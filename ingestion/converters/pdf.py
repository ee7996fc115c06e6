"""PDF files: headings recovered from size, weight and numbering, paragraphs rejoined, running heads left out."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from app.errors import BadInput
from ingestion.converted import Block, ConvertedDocument, ConvertedFile, Grid, Heading, Paragraph, Row, title_of
from ingestion.converters.pdf_layout import Line, PageLayout, Table, read_page
from ingestion.text import join_wrapped, language_of

SUFFIXES = frozenset({".pdf"})
MAX_PAGES = 500
_PAGE_NUMBER = re.compile(
    r"[-–—\s]*(?:第\s*)?(?:page\s*)?\d{1,4}\s*(?:页)?(?:\s*(?:/|of|共)\s*\d{1,4}\s*页?)?[-–—\s]*", re.IGNORECASE
)
_ITEM = re.compile(r"(?:[•·●▪◦‣–*-]\s*|\d{1,2}[.)、）]\s*(?=\D)|[(（]\d{1,2}[)）]|[①-⑳])")
_NUMBERED = re.compile(
    r"(?:第[一二三四五六七八九十百\d]+[章节条部分]|[一二三四五六七八九十]{1,3}[、．.]|[(（][一二三四五六七八九十]{1,3}[)）]"
    r"|(?P<dots>\d{1,2}(?:\.\d{1,2}){0,3})[.、]?\s+(?=\S)|(?:section|article|part|chapter)\s+\d+)",
    re.IGNORECASE,
)
_CONTENTS = re.compile(r"[.…·]{4,}\s*\d{1,4}$")
_SENTENCE_END = "。！？!?.;；:："


def convert(path: Path) -> ConvertedFile:
    """One document a file. Raises BadInput when it is encrypted, damaged, or holds pictures of text only."""
    pages = _read(path)
    lines = [item for page in pages for item in page.items if isinstance(item, Line)]
    tables = any(isinstance(item, Table) for page in pages for item in page.items)
    characters = sum(len(line.text) for line in lines)
    if not tables and characters < 10:
        raise BadInput(
            "the pdf holds no text, only pictures (a scan?); run text recognition on it or send the original"
        )
    if (unmapped := sum(page.unmapped for page in pages)) > max(20, characters // 2):
        raise BadInput(
            f"{unmapped} characters of the pdf have no text behind them; export it again with embedded fonts"
        )
    blocks = tuple(_blocks(_without_running_heads(pages), _Looks(lines)))
    return ConvertedFile((ConvertedDocument(title_of(blocks, path.stem), blocks),))


def _read(path: Path) -> list[PageLayout]:
    from pdfminer.high_level import extract_pages  # noqa: PLC0415
    from pdfminer.layout import LAParams  # noqa: PLC0415
    from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect  # noqa: PLC0415
    from pdfminer.pdfpage import PDFTextExtractionNotAllowed  # noqa: PLC0415

    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    with path.open("rb") as file:
        if b"%PDF" not in file.read(1024):
            raise BadInput("the file is no pdf, whatever its name says; export it again")
    try:
        return [read_page(page) for page in extract_pages(path, maxpages=MAX_PAGES, laparams=LAParams(boxes_flow=None))]
    except (PDFPasswordIncorrect, PDFEncryptionError):
        raise BadInput("the pdf is encrypted; remove the password and ingest it again") from None
    except PDFTextExtractionNotAllowed:
        raise BadInput("the pdf forbids copying its text; remove the protection and ingest it again") from None
    except Exception as error:  # a damaged pdf can fail anywhere in the parser
        raise BadInput(f"the pdf is damaged ({type(error).__name__}); export it again") from error


def _without_running_heads(pages: list[PageLayout]) -> list[PageLayout]:
    """Pages without page numbers and without what repeats at the head or foot of most pages."""
    seen = Counter(key for page in pages for key in {_running_key(i) for i in page.items if _in_margin(i, page)})
    repeated = {key for key, count in seen.items() if key and count >= 2 and count >= 0.5 * len(pages)}

    def running(items: Sequence[Line | Table], page: PageLayout) -> int:
        """How many items from the page's edge on are such; the first that is none ends them."""
        for count, item in enumerate(items):
            number = isinstance(item, Line) and _PAGE_NUMBER.fullmatch(item.text)
            if not _in_margin(item, page) or not (number or _running_key(item) in repeated):
                return count
        return len(items)

    kept = []
    for page in pages:
        head = running(page.items, page)
        foot = running(page.items[head:][::-1], page)
        kept.append(PageLayout(page.items[head : len(page.items) - foot], page.height, page.unmapped))
    return kept


def _in_margin(item: Line | Table, page: PageLayout) -> bool:
    return item.y0 > 0.9 * page.height or item.y1 < 0.1 * page.height


def _running_key(item: Line | Table) -> str:
    return re.sub(r"\d+", "#", item.text) if isinstance(item, Line) else ""


class _Looks:
    """What body text looks like in this file, and which looks are headings of which level."""

    def __init__(self, lines: list[Line]) -> None:
        sizes = Counter[float]()
        for line in lines:
            sizes[line.size] += len(line.text)
        self.body = sizes.most_common(1)[0][0] if sizes else 10.0
        bold = sum(len(line.text) for line in lines if line.bold)
        self.bold_tells = bold < 0.4 * sum(len(line.text) for line in lines)
        larger = sorted(
            {line.size for line in lines if line.size >= 1.1 * self.body and self._short(line)}, reverse=True
        )
        self._levels = {size: level for level, size in enumerate(larger, start=1)}
        gaps = Counter(round(a.y0 - b.y0) for a, b in pairwise(lines) if a.size == b.size and a.y0 > b.y0)
        self.line_step = max(gaps.most_common(1)[0][0], self.body) if gaps else 1.5 * self.body
        self.right = max((line.x1 for line in lines), default=0.0)
        self.left = Counter(round(line.x0) for line in lines).most_common(1)[0][0] if lines else 0

    @staticmethod
    def _short(line: Line) -> bool:
        return len(line.text) <= 90 and line.text[-1] not in "。；;，,"

    def level(self, line: Line, above: Line | None, below: Line | None) -> int | None:
        """The heading level of a line, None for body text."""
        if not self._short(line) or _CONTENTS.search(line.text):
            return None
        if line.size in self._levels:
            return self._levels[line.size]
        base = len(self._levels) + 1
        number = _NUMBERED.match(line.text)
        depth = number["dots"].count(".") if number and number["dots"] else 0
        ends_open = line.text[-1] not in ".:：!！" or (number is not None and line.text[-1] not in ".。:：")
        if line.bold and self.bold_tells and line.size >= self.body - 1 and ends_open:
            return base + depth
        if number and ends_open and len(line.text) <= 40 and self._stands_alone(line, above, below):
            return base + depth
        return None

    def _stands_alone(self, line: Line, above: Line | None, below: Line | None) -> bool:
        """Not one item of a numbered list, nor a paragraph's first line: space above, text of its own below."""
        if below is None or line.x1 > self.right - 4 * line.size or _ordinal(below.text) == _ordinal(line.text) + 1:
            return False
        return above is None or above.y0 < line.y0 or above.y0 - line.y0 > 1.2 * self.line_step


def _ordinal(text: str) -> int:
    """The last figure of a line's number ("2.3 Fees" → 3), -1 without one; Chinese numerals count up to ten."""
    match = _NUMBERED.match(text)
    if match is None:
        return -1
    if match["dots"]:
        return int(match["dots"].split(".")[-1])
    numeral = re.search(
        r"[一二三四五六七八九]?十?[一二三四五六七八九]?(?=[^一二三四五六七八九十]*$)", match[0].strip("第（()） 、．.")
    )
    return "一二三四五六七八九十".find(numeral[0][-1]) + 1 if numeral and numeral[0] else -1


def _blocks(pages: list[PageLayout], looks: _Looks) -> Iterator[Block]:
    items = [item for page in pages for item in page.items if not _is_contents(item)]
    paragraph = heading = ""
    level = 0
    previous: Line | None = None
    for index, item in enumerate(items):
        below = items[index + 1] if index + 1 < len(items) else None
        found = None
        if isinstance(item, Line):
            found = looks.level(item, previous, below if isinstance(below, Line) else None)
        continues = bool(heading) and found == level and previous is not None and _continues_heading(previous, item)
        if heading and not continues:
            yield Heading(level, heading)
            heading = ""
        if paragraph and (found is not None or isinstance(item, Table) or _starts_paragraph(previous, item, looks)):
            yield Paragraph(paragraph)
            paragraph = ""
        if isinstance(item, Table):
            yield Grid(tuple(Row(number, cells) for number, cells in enumerate(item.rows, start=1)))
            previous = None
            continue
        if found is not None:
            heading, level = join_wrapped(heading, item.text), found
        else:
            separator = "\n" if paragraph and _ITEM.match(item.text) else ""
            paragraph = f"{paragraph}\n{item.text}" if separator else _join(paragraph, item.text)
        previous = item
    if heading:
        yield Heading(level, heading)
    if paragraph:
        yield Paragraph(paragraph)


def _join(paragraph: str, line: str) -> str:
    """Chinese text is broken anywhere, inside a number too; elsewhere a break stands for a space."""
    if paragraph and paragraph[-1].isdigit() and line[0].isdigit() and language_of(paragraph) == "zh":
        return paragraph + line
    return join_wrapped(paragraph, line)


def _is_contents(item: Line | Table) -> bool:
    return isinstance(item, Line) and _CONTENTS.search(item.text) is not None


def _continues_heading(previous: Line, item: Line | Table) -> bool:
    """A heading that runs over two lines: same look, close below, and no number of its own."""
    if not isinstance(item, Line) or item.size != previous.size or item.bold != previous.bold:
        return False
    return 0 < previous.y0 - item.y0 < 1.6 * item.size and not _NUMBERED.match(item.text)


def _starts_paragraph(previous: Line | None, item: Line | Table, looks: _Looks) -> bool:
    if previous is None or not isinstance(item, Line):
        return True
    ended = previous.text[-1] in _SENTENCE_END
    if item.y0 >= previous.y0:  # a new page or column: the sentence decides
        return ended
    if _ITEM.match(item.text):
        return False
    if previous.y0 - item.y0 > 1.3 * looks.line_step:
        return True
    short = previous.x1 < looks.right - 3 * item.size
    indented = item.x0 > looks.left + 1.5 * item.size and previous.x0 <= looks.left + 1.5 * item.size
    return ended and (short or indented)
