"""JSON files: a help centre's export, schema.org data, or a list of records like those of a JSONL file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.errors import BadInput
from ingestion.converted import ConvertedDocument, ConvertedFile, Heading, SkippedRow
from ingestion.converters import NotOurs
from ingestion.converters.html import html_blocks, html_to_text
from ingestion.converters.json_ld import documents_of
from ingestion.converters.jsonl import document_of_record
from ingestion.converters.structured import value_of
from ingestion.text import decode, one_line

SUFFIXES = frozenset({".json"})
MAX_ARTICLES = 20_000
SHORT_CHARACTERS = 600
_QUESTION = re.compile(
    r"[?？]\s*$|^(?:how|what|when|where|why|who|which|can|could|do|does|is|are|will|should|may)\b|"
    r"怎么|如何|为什么|是否|能不能|可不可以|有没有|多少|多久|什么时候|哪(?:些|里|个)|吗$",
    re.IGNORECASE,
)


def convert(path: Path) -> ConvertedFile:
    """A document an article or record. Raises BadInput for JSON that holds neither."""
    try:
        content = json.loads(decode(path.read_bytes()).removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        where = f" near line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadInput(f"it is not valid JSON{where}; export it again") from None
    if isinstance(content, dict) and isinstance(content.get("articles"), list):
        return _help_centre(content)
    if _is_linked_data(content):
        documents = documents_of([json.dumps(content)], path.stem)
        if documents:
            return ConvertedFile(tuple(documents))
    elif isinstance(content, list) and content and all(isinstance(one, dict) for one in content):
        if "locale" in content[0] and "body" in content[0]:
            return _help_centre({"articles": content})
        return ConvertedFile(tuple(document_of_record(record, n) for n, record in enumerate(content, start=1)))
    raise NotOurs(
        "it is no help centre's export (with `articles`), no schema.org data and no list of records with id, title, "
        "text, language and kind"
    )


def _is_linked_data(content: Any) -> bool:
    first = content[0] if isinstance(content, list) and content else content
    return isinstance(first, dict) and ("@type" in first or "@graph" in first)


def _help_centre(content: Mapping[str, Any]) -> ConvertedFile:
    articles = content["articles"]
    if len(articles) > MAX_ARTICLES:
        raise BadInput(f"it holds {len(articles):,} articles; at most {MAX_ARTICLES:,} are read: split it")
    names = {str(s.get("id")): one_line(value_of(s, "name")) for s in _dicts(content.get("sections"))}
    documents: list[ConvertedDocument] = []
    skipped: list[SkippedRow] = []
    for number, article in enumerate(_dicts(articles), start=1):
        if reason := _kept_back(article):
            skipped.append(SkippedRow(number, f"“{value_of(article, 'title', 'name')[:60]}” {reason}"))
        else:
            section = names.get(str(article.get("section_id")), "")
            documents.append(_article(article, number, section))
    if not documents and not skipped:
        raise BadInput("it holds no articles")
    return ConvertedFile(tuple(documents), tuple(skipped))


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _kept_back(article: Mapping[str, Any]) -> str:
    """Why an article is not for shoppers; "" when it is."""
    status = str(article.get("status", "")).casefold()
    if article.get("draft") is True or status in ("draft", "archived", "unpublished"):
        return "is a draft or archived"
    if article.get("user_segment_id") is not None:
        return "is for some readers only"
    if article.get("outdated") is True:
        return "is marked as outdated"
    return "" if html_to_text(value_of(article, "body", "content")) else "has no text"


def _article(article: Mapping[str, Any], number: int, section: str) -> ConvertedDocument:
    """A question with a short answer is an FAQ row, everything else a text with its headings."""
    title = one_line(value_of(article, "title", "name"))
    body = value_of(article, "body", "content")
    blocks = tuple(html_blocks(body))
    record_id = value_of(article, "id") or str(number)
    language = {"zh": "zh", "en": "en"}.get(value_of(article, "locale", "language")[:2].lower(), "")
    text = html_to_text(body)
    short = len(text) <= SHORT_CHARACTERS and not any(isinstance(block, Heading) for block in blocks)
    if short and _QUESTION.search(title):
        fields = {"question": title, "answer": text, "section": section}
        return ConvertedDocument(title, (), False, record_id, number, "faq", language, fields)
    opening = () if blocks and isinstance(blocks[0], Heading) and blocks[0].text == title else (Heading(1, title),)
    lowered = tuple(Heading(block.level + 1, block.text) if isinstance(block, Heading) else block for block in blocks)
    return ConvertedDocument(title, (*opening, *(lowered if opening else blocks)), False, record_id, language=language)
