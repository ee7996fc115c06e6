"""Orders to the attendant that somebody wrote into the knowledge: a review, a product text, an answer."""

from __future__ import annotations

from collections.abc import Iterator

from app.chat.guard import clean, hides_something, tries_to_take_over
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.finding import Finding, Severity, Words, row_of
from app.knowledge.sentences import split_sentences
from ingestion.checks.material import Material
from ingestion.checks.texts import quoted

CHECK = "planted_orders"


def planted_orders(material: Material) -> Iterator[Finding]:
    """Such sentences are never followed or quoted; in an approved answer one means that somebody tampered with it.

    Only what is new is read: what is known of the rest is inherited.
    """
    for chunk in material.fresh:
        whole = "\n".join((chunk.title, *chunk.phrasings, chunk.text))
        if tries_to_take_over(whole):
            texts = (chunk.title, *chunk.phrasings, *split_sentences(chunk.text))
            planted = next((text for text in texts if tries_to_take_over(text)), chunk.text)
            yield _finding(
                chunk,
                Severity.BLOCKS if chunk.kind is Kind.FAQ else Severity.WARNS,
                Words(
                    f"这里写着给机器人的指令，而不是给顾客看的内容：“{quoted(planted, 90)}”",
                    f"These are orders to the attendant, nothing for shoppers: “{quoted(planted, 90)}”",
                ),
                Words(
                    "删去这句话，并查一查是谁写的；机器人不会执行也不会引用它",
                    "Remove it, and find out who wrote it; it is never followed and never quoted",
                ),
            )
        elif hides_something(chunk.text) and clean(chunk.text) != chunk.text.strip():
            yield _finding(
                chunk,
                Severity.WARNS,
                Words("文中有看不见的字符", "The text holds invisible characters"),
                Words("重新输入这段文字", "Type the text anew"),
            )


def _finding(chunk: Chunk, severity: Severity, message: Words, fix: Words) -> Finding:
    return Finding(CHECK, severity, chunk.path, chunk.locator, message, fix, row_of(chunk.locator))
