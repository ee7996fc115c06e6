"""Industry packs: what shoppers of a trade ask, with many ways to ask it; the shop only fills in the answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.errors import BadInput, NotFound
from ingestion.editing.editor import Editor
from ingestion.text import clean, one_line

FOLDER = Path(__file__).parent.parent / "packs"
COMMON = "general"
"""The pack whose questions every shop gets, beside those of its own trade."""
MAX_FIELD = 200
_BLANK = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class PackQuestion:
    """One question of a pack.

    ask       what the answer should say, for whoever writes it
    template  the answer with {blanks} for what the wizard asks; "" where only the shop can say it
    """

    question_id: str
    section: str
    question: str
    phrasings: tuple[str, ...]
    ask: str
    template: str
    related: tuple[str, ...]

    @property
    def blanks(self) -> tuple[str, ...]:
        """What has to be known to fill the template."""
        return tuple(dict.fromkeys(_BLANK.findall(self.template)))

    def filled(self, known: Mapping[str, str]) -> str:
        """The answer; "" where something is missing."""
        if not self.template or not all(known.get(name) for name in self.blanks):
            return ""
        return _BLANK.sub(lambda match: known[match[1]], self.template)

    def as_json(self, pack: str) -> dict[str, Any]:
        """As the console shows it."""
        return {
            "id": f"{pack}/{self.question_id}",
            "section": self.section,
            "question": self.question,
            "phrasings": list(self.phrasings),
            "ask": self.ask,
            "template": self.template,
            "blanks": list(self.blanks),
        }


@dataclass(frozen=True, slots=True)
class Pack:
    """The questions of one trade in one language; `fields` are what the wizard asks: name → label and example."""

    name: str
    language: str
    title: str
    about: str
    fields: Mapping[str, Mapping[str, str]]
    questions: tuple[PackQuestion, ...]


@cache
def load_pack(name: str, language: str) -> Pack:
    """A pack. Raises NotFound for one there is none of."""
    file = FOLDER / f"{name}.{language}.yaml"
    if not re.fullmatch(r"[a-z-]+", name) or language not in ("zh", "en") or not file.is_file():
        raise NotFound(f"There is no pack {name!r} in {language!r}; there are {', '.join(pack_names())}, in zh and en.")
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    return Pack(
        name,
        language,
        str(raw["title"]),
        str(raw["about"]),
        {str(key): dict(value) for key, value in (raw.get("fields") or {}).items()},
        tuple(_question(entry) for entry in raw["questions"]),
    )


def pack_names() -> list[str]:
    """The packs there are, the common one first."""
    names = {file.name.partition(".")[0] for file in FOLDER.glob("*.yaml")}
    return sorted(names, key=lambda name: (name != COMMON, name))


def _question(entry: Mapping[str, Any]) -> PackQuestion:
    return PackQuestion(
        str(entry["id"]),
        str(entry["section"]),
        str(entry["question"]),
        tuple(str(text) for text in entry["phrasings"]),
        str(entry["ask"]),
        str(entry.get("template") or "").strip(),
        tuple(str(text) for text in entry.get("related") or ()),
    )


class Packs:
    """Fills packs into shops."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor

    def packs(self, language: str) -> dict[str, Any]:
        """All packs in a language, with what the wizard asks for."""
        loaded = [load_pack(name, language) for name in pack_names()]
        return {
            "language": language,
            "packs": [
                {
                    "name": pack.name,
                    "title": pack.title,
                    "about": pack.about,
                    "questions": len(pack.questions),
                    "sections": list(dict.fromkeys(question.section for question in pack.questions)),
                }
                for pack in loaded
            ],
            "fields": _fields(loaded),
        }

    def pack(self, name: str, language: str) -> dict[str, Any]:
        """One pack with its questions."""
        pack = load_pack(name, language)
        return {
            "name": pack.name,
            "language": language,
            "title": pack.title,
            "about": pack.about,
            "fields": _fields([load_pack(COMMON, language), pack]),
            "questions": [question.as_json(pack.name) for question in pack.questions],
        }

    async def fill(
        self,
        shop: str,
        category: str,
        language: str,
        known: Mapping[str, str],
        answers: Mapping[str, str],
        author: str,
        *,
        apply: bool,
    ) -> dict[str, Any]:
        """The wizard: the common questions and those of the trade, answered as far as is known.

        `known` are the wizard's fields, `answers` texts by question id, which win over templates. With `apply` the
        answered ones become drafts; filling again changes the rows it made before, and no other.
        Raises BadInput or NotFound; then nothing was saved.
        """
        packs = [load_pack(name, language) for name in dict.fromkeys((COMMON, category))]
        fields = _checked(known, {name for pack in packs for name in pack.fields})
        unknown = set(answers) - {f"{pack.name}/{q.question_id}" for pack in packs for q in pack.questions}
        if unknown:
            raise BadInput(f"There is no question {sorted(unknown)[0]!r} in these packs. Nothing was saved.")
        filled: list[dict[str, Any]] = []
        unanswered: list[dict[str, Any]] = []
        for pack in packs:
            given = {q.question_id: clean(answers.get(f"{pack.name}/{q.question_id}", "")) for q in pack.questions}
            told = {q.question_id: given[q.question_id] or q.filled(fields) for q in pack.questions}
            # Only what the shop answers is suggested next.
            titles = {q.question_id: q.question for q in pack.questions if told[q.question_id]}
            for question in pack.questions:
                answer = told[question.question_id]
                related = [titles[name] for name in question.related if name in titles]
                entry = {**question.as_json(pack.name), "answer": answer, "related": related}
                (filled if answer else unanswered).append(entry)
        result: dict[str, Any] = {"shop": shop, "category": category, "language": language, "applied": apply}
        if apply:
            rows = [(_place(language, entry["id"]), _row(entry)) for entry in filled]
            result |= await self._editor.put_rows(shop, rows, author)
        return {**result, "filled": filled, "open": unanswered}


def _place(language: str, question_id: str) -> str:
    return f"pack-{language}-{question_id.replace('/', '-')}"


def _row(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("question", "answer", "phrasings", "section", "related")}


def _fields(packs: Iterable[Pack]) -> list[dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for pack in packs:
        for name, told in pack.fields.items():
            found.setdefault(name, {"name": name, **told})
    return list(found.values())


def _checked(known: Mapping[str, str], names: set[str]) -> dict[str, str]:
    if unknown := set(known) - names:
        raise BadInput(
            f"The wizard asks no {sorted(unknown)[0]!r}; it asks {', '.join(sorted(names))}. Nothing was saved."
        )
    found = {name: one_line(str(value)) for name, value in known.items()}
    if long := [name for name, value in found.items() if len(value) > MAX_FIELD]:
        raise BadInput(f"`{long[0]}` takes at most {MAX_FIELD} characters. Nothing was saved.")
    return found
