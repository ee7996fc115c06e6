"""Writes the folder of a large shop, the same every time: thousands of documents, of which a share can be edited."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RECORDS_A_FILE = 500
_SUBJECTS = (
    "kettle", "blanket", "lamp", "teapot", "rucksack", "raincoat", "notebook", "pillow", "saucepan", "bicycle",
    "headset", "armchair", "suitcase", "telescope", "thermos", "umbrella", "wardrobe", "keyboard", "violin", "tent",
)  # fmt: skip
_MATTERS = (
    "delivery", "returns", "warranty", "cleaning", "repair", "assembly", "storage", "spare parts", "gift wrapping",
    "invoices", "colours", "sizes", "batteries", "recycling", "rental", "engraving", "exchange", "safety",
)  # fmt: skip
_SENTENCES = (
    "The {subject} leaves our warehouse within {n} working days of the order.",
    "For {matter} write to desk {n} and name the {subject} and its number.",
    "We take the {subject} back within {n} days when it is unused and in its box.",
    "A {subject} of series {n} may be cleaned with a soft cloth and lukewarm water only.",
    "The charge for {matter} of a {subject} is {n} pounds, and nothing above 200 pounds.",
    "Ask for form {n} before you send a {subject} in for {matter}.",
    "Members pay {n} per cent less for {matter} than everybody else.",
    "Keep the {subject} away from sun and rain for at least {n} hours after {matter}.",
)


@dataclass(frozen=True, slots=True)
class BigShop:
    """How large the shop is: `pages` Markdown files and `records` help-centre articles in JSONL files."""

    pages: int
    records: int
    seed: int = 7

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return self.pages + self.records

    def write(self, folder: Path, edited: float = 0.0) -> int:
        """Write the folder; returns how many documents were edited. `edited`: share of them that say something new."""
        draw = random.Random(self.seed)
        chosen = set(draw.sample(range(self.documents), round(edited * self.documents)))
        knowledge = folder / "knowledge"
        (knowledge / "pages").mkdir(parents=True, exist_ok=True)
        (folder / "brand.yaml").write_text(
            "name: Big Shop\nlanguages: [en]\nservice_hours: {timezone: Europe/London}\n", encoding="utf-8"
        )
        for number in range(self.pages):
            _write(knowledge / "pages" / f"page-{number:05}.md", self._page(number, number in chosen))
        articles = [self._record(number, number in chosen) for number in range(self.pages, self.documents)]
        for start in range(0, len(articles), RECORDS_A_FILE):
            file = knowledge / f"articles-{start // RECORDS_A_FILE:03}.jsonl"
            _write(file, "".join(f"{line}\n" for line in articles[start : start + RECORDS_A_FILE]))
        return len(chosen)

    def _page(self, number: int, edited: bool) -> str:
        title, sections = self._sections(number, edited)
        return "\n\n".join([f"# {title}", *(f"## {heading}\n\n{text}" for heading, text in sections)]) + "\n"

    def _record(self, number: int, edited: bool) -> str:
        title, ((_, text), *_) = self._sections(number, edited)
        return json.dumps({"id": f"a{number}", "title": title, "text": text, "kind": "policy", "language": "en"})

    def _sections(self, number: int, edited: bool) -> tuple[str, list[tuple[str, str]]]:
        """A title and two sections of three sentences; an edited document has one figure changed."""
        draw = random.Random(f"{self.seed} {number}")
        subject, matter = draw.choice(_SUBJECTS), draw.choice(_MATTERS)
        title = f"{matter.capitalize()} of the {subject} {number}"
        sections = [
            (f"{heading} {number}", " ".join(self._sentences(draw, subject, matter)))
            for heading in ("What to know about", "What it costs for")
        ]
        if edited:
            heading, text = sections[0]
            sections[0] = (heading, f"{text} New since this week: article {number} counts twice.")
        return title, sections

    @staticmethod
    def _sentences(draw: random.Random, subject: str, matter: str) -> Iterator[str]:
        for sentence in draw.sample(_SENTENCES, 3):
            yield sentence.format(subject=subject, matter=matter, n=draw.randint(2, 99_999))


def _write(file: Path, text: str) -> None:
    """As an editor would: a file that says the same stays as it is."""
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
