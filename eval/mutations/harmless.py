"""Edits that change nothing a shopper is told: typos, another order, another layout."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.mutations.editable import TABLES, Slot, files_of, rewrite, shuffle_rows
from eval.mutations.harmful import Mutation
from ingestion.text import decode

_CONFUSED = {
    "的": "得", "账": "帐", "须": "需", "需": "须", "登录": "登陆", "像": "象", "做": "作", "作": "做", "其他": "其它",
    "联系": "连系", "商品": "商品商品"[:3], "包裹": "包裏", "请": "清", "收到": "收倒", "页面": "叶面", "顾客": "顾可",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]{6,}")
_ADDRESS = re.compile(r"@|https?:|www\.")
_FULL_WIDTH = str.maketrans({"，": ",", "；": ";", "：": ":", "（": "(", "）": ")", "！": "!", "？": "?"})


def typo(slots: Sequence[Slot], chance: random.Random) -> Iterator[Mutation]:
    """Two letters exchanged, or a character mistaken for one that sounds or looks the same."""
    chosen = [s for s in slots if s.kind in ("answer", "prose") and not _ADDRESS.search(s.text)]
    chance.shuffle(chosen)
    for slot in chosen:
        if text := _mistyped(slot.text, chance):
            yield Mutation(
                "typo",
                slot.path,
                f"{slot.text[:70]} → {text[:70]}",
                lambda root, s=slot, t=text: rewrite(root, s, t),  # type: ignore[misc]
            )


def _mistyped(text: str, chance: random.Random) -> str:
    words = [m for m in _WORD.finditer(text) if m.group().islower()]
    if words:
        match = chance.choice(words)
        at = match.start() + chance.randrange(1, len(match.group()) - 2)
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :] if text[at] != text[at + 1] else ""
    there = [wrong for wrong in _CONFUSED if wrong in text]
    return text.replace(right := chance.choice(there), _CONFUSED[right], 1) if there else ""


def reordered(root: Path, chance: random.Random) -> Iterator[Mutation]:
    """Rows of an FAQ table, sections of a document, or records of a list in another order."""
    while True:
        paths = [p for p in files_of(root) if Path(p).suffix.lower() in (*TABLES, ".md", ".html", ".jsonl")]
        path, seed = chance.choice(paths), chance.random()
        yield Mutation(
            "reordered",
            path,
            f"{path} in another order",
            lambda copy, p=path, s=seed: _reorder(copy, p, random.Random(s)),  # type: ignore[misc]
        )


def _reorder(root: Path, path: str, chance: random.Random) -> None:
    file = root / path
    suffix = file.suffix.lower()
    if suffix in TABLES:
        shuffle_rows(root, path, chance)
        return
    text = decode(file.read_bytes())
    if suffix == ".jsonl":
        parts, joint, lead = text.splitlines(), "\n", ""
    else:
        mark = r"(?m)^(?=## )" if suffix == ".md" else r"(?=<h2\b)"
        lead, *parts = re.split(mark, text)
        parts, joint = [part.rstrip("\n") + "\n\n" for part in parts], ""
        if suffix == ".html" and parts:  # what follows the last section closes the page
            parts[-1], *rest = re.split(r"(?=</(?:main|article|body)>)", parts[-1], maxsplit=1)
            chance.shuffle(parts)
            file.write_text(lead + "".join(parts) + "".join(rest), encoding="utf-8")
            return
    chance.shuffle(parts)
    file.write_text(lead + joint.join(parts) + "\n", encoding="utf-8")


def reformatted(root: Path, slots: Sequence[Slot], chance: random.Random) -> Iterator[Mutation]:
    """Other line ends, blank lines, punctuation of another width, spaces, list marks: the same words."""
    prose = [s for s in slots if s.kind in ("answer", "prose") and "|" not in s.text and "<" not in s.text]
    while True:
        slot = chance.choice(prose)
        text = chance.choice(_LAYOUTS)(slot.text)
        if text == slot.text:
            continue
        yield Mutation(
            "reformatted",
            slot.path,
            f"{slot.text[:70]} → {text[:70]}",
            lambda copy, s=slot, t=text: rewrite(copy, s, t),  # type: ignore[misc]
        )


def _half_width(text: str) -> str:
    return text.translate(_FULL_WIDTH)


def _spaced(text: str) -> str:
    """A space between Chinese characters and figures, as some style guides want it."""
    return re.sub(r"(?<=[\u4e00-\u9fff])(?=\d)|(?<=\d)(?=[\u4e00-\u9fff])", " ", text)


def _double_spaces(text: str) -> str:
    return text.replace(" ", "  ")


def _sentence_a_line(text: str) -> str:
    return re.sub(r"(?<=[。！？])(?=.)|(?<=[a-z]\.)\s+(?=[A-Z])", "\n", text)


def _full_width_stop(text: str) -> str:
    return (
        text.rstrip("。.")
        if text.endswith(("。", "."))
        else text + ("。" if re.search("[\u4e00-\u9fff]", text) else "")
    )


_LAYOUTS = (_half_width, _spaced, _double_spaces, _sentence_a_line, _full_width_stop)
