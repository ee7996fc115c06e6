"""Edits that would make a shop say something wrong: each picks a place by chance and changes what it binds to."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.mutations.editable import Slot, add_row, files_of, rewrite

_NUMBER = re.compile(r"(?<![\w.,-])\d{1,6}(?:\.\d{1,2})?(?![\w.,:/-]*[A-Za-z0-9])")
_UNIT_AFTER = re.compile(
    r"\s?(?:天|个?工作日|小时|分钟|元|块|%|折|件|个?月|年|kg|cm|days?|working|business|hours?|months?|years?|weeks?|%|percent)"
)
_MONEY_BEFORE = re.compile(r"[¥￥£$€]\s?$")
_CLAUSE = re.compile(r"[^，,；;。.!！?？\n]+[，,；;。.!！?？]?\s*")
_BINDS = re.compile(
    r"\d|不|无|未|除|须|需|仅|只|限|满|如|若|但"
    r"|\b(?:if|unless|except|only|not|must|within|until|unused|cannot|never|from|but)\b"
)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One edit of a copy of the shop folder. `told` is what it does, for reading failures."""

    kind: str
    path: str
    told: str
    apply: Callable[[Path], None]


def price_edited(slots: Sequence[Slot], chance: random.Random) -> Iterator[Mutation]:
    """A product's price: a few per cent, a digit, or a decimal point."""
    for slot in _some(slots, chance, "price"):
        amount = re.search(r"\d[\d,]*(?:\.\d+)?", slot.text)
        if amount is None:
            continue
        old = float(amount.group().replace(",", ""))
        new = chance.choice([old * 1.1, old * 0.9, old + 20, old * 10, old / 10, old / 2])
        written = f"{new:.2f}" if "." in amount.group() else f"{max(1, round(new))}"
        text = slot.text[: amount.start()] + written + slot.text[amount.end() :]
        if float(written) != old:
            yield _rewritten("price edited", slot, text)


def value_edited(slots: Sequence[Slot], chance: random.Random) -> Iterator[Mutation]:
    """A number with a unit in an answer or a policy."""
    for slot in _some(slots, chance, "answer", "prose"):
        if text := _other_number(slot.text, chance):
            yield _rewritten("value edited", slot, text)


def contradiction_added(slots: Sequence[Slot], chance: random.Random) -> Iterator[Mutation]:
    """One more row for a question that has one, with another number in the answer: in its file or in a new one."""
    for slot in _some(slots, chance, "answer"):
        answer = _other_number(slot.text, chance)
        if not answer or not slot.question:
            continue
        if chance.random() < 0.5:
            yield Mutation(
                "contradiction added",
                slot.path,
                f"{slot.question} → {answer}",
                lambda root, s=slot, a=answer: add_row(root, s, s.question, a),  # type: ignore[misc]
            )
        else:
            yield Mutation(
                "contradiction added",
                "knowledge/new.csv",
                f"{slot.question} → {answer}",
                lambda root, s=slot, a=answer: _new_file(root, s.question, a),  # type: ignore[misc]
            )


def clause_lost(slots: Sequence[Slot], chance: random.Random) -> Iterator[Mutation]:
    """A part of a sentence that binds somebody: a number, a condition, an exception."""
    for slot in _some(slots, chance, "answer", "prose"):
        parts = _CLAUSE.findall(slot.text)
        binding = [n for n, part in enumerate(parts) if len(part) >= 6 and _BINDS.search(part)]
        if len(parts) < 2 or not binding or "<" in slot.text:
            continue
        gone = chance.choice(binding)
        text = "".join(part for n, part in enumerate(parts) if n != gone)
        yield Mutation(
            "clause lost",
            slot.path,
            f"without “{parts[gone].strip()}”: {text[:80]}",
            lambda root, s=slot, t=text: rewrite(root, s, t),  # type: ignore[misc]
        )


def document_deleted(root: Path, chance: random.Random) -> Iterator[Mutation]:
    """A whole file."""
    paths = files_of(root)
    chance.shuffle(paths)
    for path in paths:
        yield Mutation("document deleted", path, f"without {path}", lambda copy, p=path: (copy / p).unlink())  # type: ignore[misc]


def _other_number(text: str, chance: random.Random) -> str:
    """The text with one of its numbers changed; "" when it has none that binds."""
    found = [
        m for m in _NUMBER.finditer(text) if _UNIT_AFTER.match(text, m.end()) or _MONEY_BEFORE.search(text[: m.start()])
    ]
    if not found:
        return ""
    match = chance.choice(found)
    old = float(match.group())
    new = chance.choice([old * 2, old + 3, old + 5, max(1.0, old // 2) if old > 3 else old + 2])
    written = f"{new:.2f}" if "." in match.group() else f"{round(new)}"
    return text[: match.start()] + written + text[match.end() :]


def _rewritten(kind: str, slot: Slot, text: str) -> Mutation:
    return Mutation(kind, slot.path, f"{slot.text[:90]} → {text[:90]}", lambda root: rewrite(root, slot, text))


def _new_file(root: Path, question: str, answer: str) -> None:
    cells = ['"' + cell.replace('"', '""') + '"' for cell in (question, answer)]
    (root / "knowledge" / "new.csv").write_text(f"question,answer\n{','.join(cells)}\n", encoding="utf-8")


def _some(slots: Sequence[Slot], chance: random.Random, *kinds: str) -> list[Slot]:
    chosen = [slot for slot in slots if slot.kind in kinds]
    chance.shuffle(chosen)
    return chosen
