"""Words the brand never says, in texts that it would quote."""

from __future__ import annotations

from collections.abc import Iterator

from app.knowledge.chunk import Kind
from app.knowledge.finding import Finding, Severity, Words, row_of
from ingestion.checks.material import Material
from ingestion.checks.texts import quoted

CHECK = "forbidden_words"


def forbidden_words(material: Material) -> Iterator[Finding]:
    """Grave in an FAQ answer, which is said word for word; a note in a document, of which a sentence may be quoted."""
    words = [(word, word.casefold()) for word in material.forbidden_words if word.strip()]
    for chunk in material.chunks:
        text = chunk.text.casefold()
        for word in (written for written, plain in words if plain in text):
            yield Finding(
                CHECK,
                Severity.BLOCKS if chunk.kind is Kind.FAQ else Severity.WARNS,
                chunk.path,
                chunk.locator,
                Words(
                    f"“{quoted(chunk.title)}”里有禁用词“{word}”",
                    f"“{quoted(chunk.title)}” uses the forbidden word “{word}”",
                ),
                Words(
                    "换一种说法，或把它移出 brand.yaml 的 forbidden_words",
                    "Say it otherwise, or take the word off forbidden_words in brand.yaml",
                ),
                row_of(chunk.locator),
            )
