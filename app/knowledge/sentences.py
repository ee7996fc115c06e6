"""Cuts a chunk's text into sentences, Chinese and English alike. Pure and fast: turns call it on every passage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_ENDS = "。！？!?"
_MAY_END = re.compile(r"[。！？.!?]")
_CLOSERS = "\"'”’」』）)】]》*_"
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|etc|vs|approx|no|nos|mr|mrs|ms|dr|st|inc|ltd|co|dept|est|fig|max|min|tel|ext|ref|incl|excl"
    r"|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|a\.m|p\.m|[a-z]|(?:[a-z]\.)+[a-z])$",
    re.IGNORECASE,
)
_ENDING_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:etc|a\.m|p\.m|inc|ltd)$", re.IGNORECASE)
_LIST_MARK = re.compile(r"^\s*(?:>\s*)*(?:[-*+•·●▪◦‣–]\s+|\d{1,2}[.)、）]\s*(?=\D)|[(（]\d{1,2}[)）]\s*|[①-⑳]\s*)?")
_TABLE_LINE = re.compile(r"^\s*\|.*\|\s*$")
_TABLE_RULE = re.compile(r"^\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*$")
_UNESCAPED_PIPE = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """`literal` stands in the text as it is; `spoken` also makes sense alone (a table row names its columns)."""

    literal: str
    spoken: str


def split_sentences(text: str) -> list[str]:
    """The sentences of a text in order, each literally in it. A table row is one sentence; its header is none.

    Decimals, abbreviations and version numbers do not end a sentence; a line break always does.
    """
    return [sentence.literal for sentence in spoken_sentences(text)]


def spoken_sentences(text: str) -> list[SpokenSentence]:
    """The sentences of a text, each with a form that can be understood without what stands around it."""
    return list(_spoken_sentences(text))


@lru_cache(maxsize=1024)
def _spoken_sentences(text: str) -> tuple[SpokenSentence, ...]:
    found: list[SpokenSentence] = []
    lines = text.split("\n")
    lead = ""
    row = 0
    while row < len(lines):
        line = lines[row]
        if _TABLE_LINE.match(line):
            end = row
            while end < len(lines) and _TABLE_LINE.match(lines[end]):
                end += 1
            found.extend(_table_sentences(lines[row:end]))
            row = end
            continue
        mark = _LIST_MARK.match(line)
        body = line[mark.end() if mark else 0 :].strip()
        is_item = bool(mark and mark.group().strip())
        if body:
            if not is_item:
                lead = ""
            found.extend(SpokenSentence(part, f"{lead} {part}" if lead else part) for part in _split_line(body))
            if not is_item and body[-1] in ":：":
                lead = found[-1].literal
        row += 1
    return tuple(found)


def _table_sentences(lines: list[str]) -> Iterator[SpokenSentence]:
    header: list[str] = []
    body = lines
    if len(lines) > 1 and _TABLE_RULE.match(lines[1]):
        header, body = table_cells(lines[0]), lines[2:]
    for line in body:
        if not _TABLE_RULE.match(line) and any(cells := table_cells(line)):
            named = ((header[i] if i < len(header) else "", cell) for i, cell in enumerate(cells) if cell)
            yield SpokenSentence(line.strip(), "; ".join(f"{name}: {cell}" if name else cell for name, cell in named))


def table_cells(line: str) -> list[str]:
    """The cells of one line of a Markdown table, unescaped."""
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in _UNESCAPED_PIPE.split(inner)]


def _split_line(line: str) -> Iterator[str]:
    start = position = 0
    while mark := _MAY_END.search(line, position):
        position = mark.end()
        if _ends_sentence(line, mark.start(), start):
            while position < len(line) and (line[position] in _ENDS or line[position] in _CLOSERS):
                position += 1
            if sentence := line[start:position].strip():
                yield sentence
            start = position
    if rest := line[start:].strip():
        yield rest


def _ends_sentence(line: str, position: int, start: int) -> bool:
    character = line[position]
    if character in "。！？":
        return True
    if character not in ".!?":
        return False
    after = line[position + 1 :].lstrip(_CLOSERS + _ENDS)
    if after and not after[0].isspace() and not "\u3400" <= after[0] <= "\u9fff":
        return False
    if character != ".":
        return True
    upcoming = after.lstrip()
    before = line[start:position]
    if before.isdigit():
        return False
    last = before[max(before.rfind(" "), before.rfind("("), 0) :]
    if upcoming and (upcoming[0].islower() or (_ABBREVIATION.search(last) and not _ends_anyway(last, upcoming))):
        return False
    return not before.endswith(".")


def _ends_anyway(before: str, upcoming: str) -> bool:
    return bool(_ENDING_ABBREVIATION.search(before)) and upcoming[0].isupper()
