"""What shoppers ask of products, and which column of a product holds it. Pure.

A concept knows how a question asks for a thing and how table headers call it. Where no concept knows a column, the
header's own words, the unit that is asked for and the words in the cells decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.chat.quantities import asked_dimensions, dimensions, quantities
from app.knowledge.chunk import Chunk
from app.knowledge.stem import stem
from app.knowledge.tokenize import words
from app.knowledge.view import WordWeights

TOLD_IN_WORDS = re.compile(r"备注|描述|说明|卖点|特点|description|notes?$|features?$|details?$|^body", re.IGNORECASE)
DULL = re.compile(
    r"sku|货号|编码|^handle$|^vendor$|^brand$|^tags?$|^type$|^name$|^title$|名称|类目|分类|品类|^category$|^url|barcode"
    r"|条码|^compare-at|^published|^status$",
    re.IGNORECASE,
)
SIZE_CHART = re.compile(r"尺码表|size chart|sizing|尺码对照", re.IGNORECASE)
_PLAIN_WORDS = frozenset(
    re.findall(
        r"\w+",
        "included rating type safe name level note notes value max min of or and the in on size "
        "contains contain free suitable "
        "是否 支持 信息 上限 补充",
    )
)
_OF_ITS_OWN = re.compile(r"保质期|有效期|保修|质保|年龄|月龄|shelf|warranty|guarantee|\bage\b|expir", re.IGNORECASE)
"""Columns that answer only who asks for them, though they hold the kind of number that is asked for."""
_LEAST_OUTRIGHT = 0.6
_LEAST_TOLD, _LEAST_BESIDES = 0.6, 0.8
"""Summed weight of the words that a question shares with a cell for the cell to speak of what is asked: where nothing
else answers, and besides what does."""
_LOOSE = frozenset({"money", "count of 个", "count of 人", "time"})
"""Kinds of number whose being asked for rules out no column without one: much is meant by "how long"."""
_FITTED = frozenset({"length", "temperature", "power", "voltage", "volume"})
"""Kinds of number that a shopper states of the thing a product must fit."""
_MEASURED = frozenset({"size", "thickness"})
"""Concepts that a question after how long, wide or thick is only answered by a length in."""
_A_CHARACTER = 0.35
_MOST_COLUMNS = 5
_MOST_TOLD = 2
_HAN = re.compile(r"[\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing shoppers ask about products, how they ask it, and the columns that hold it.

    weak   counts only where nothing more telling was asked
    over   concepts it silences: who asks how heavy a child it carries does not ask what it weighs
    families  how shoppers call a sort of value (a colour) → what shops call those of that sort
    """

    name: str
    ask: re.Pattern[str]
    column: re.Pattern[str]
    weak: bool = False
    over: tuple[str, ...] = ()
    families: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = ()


def load_concepts(raw: Mapping[str, Mapping[str, object]]) -> tuple[Concept, ...]:
    """Concepts from prompts/shared/attributes.yaml, in its order."""
    return tuple(
        Concept(
            name,
            re.compile(str(entry["ask"]), re.IGNORECASE),
            re.compile(str(entry["column"]), re.IGNORECASE),
            bool(entry.get("weak", False)),
            tuple(str(entry.get("over", "")).split()),
            _families(entry.get("families")),
        )
        for name, entry in raw.items()
    )


def _families(raw: object) -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    pairs = raw.items() if isinstance(raw, Mapping) else ()
    return tuple((re.compile(str(said), re.IGNORECASE), re.compile(str(held), re.IGNORECASE)) for said, held in pairs)


@lru_cache(maxsize=1024)
def asked_concepts(text: str, concepts: tuple[Concept, ...]) -> tuple[Concept, ...]:
    """Concepts the text asks for; a weak one only when nothing more telling is there."""
    found = [c for c in concepts if c.ask.search(text)]
    silenced = {name for c in found for name in c.over}
    found = [c for c in found if c.name not in silenced]
    strong = [c for c in found if not c.weak]
    return tuple(strong or found)


@dataclass(frozen=True, slots=True)
class Asked:
    """A product question as columns are chosen for it.

    text           the question less the product's name; `whole` is all of it, `telling` less the variant's options too
    narrowed_by    columns that only said which variant is meant
    is_about_body  whether somebody's measures are stated
    """

    text: str
    whole: str
    concepts: tuple[Concept, ...]
    narrowed_by: frozenset[str] = frozenset()
    is_about_body: bool = False
    telling: str = ""


def columns_for(asked: Asked, variants: Sequence[Chunk], weights: WordWeights) -> tuple[str, ...]:
    """The columns that answer, the surest first: one for each thing asked.

    Only columns in which some variant has a value count.
    """
    cells = {
        column: values
        for column, values in _cells(variants).items()
        if column not in asked.narrowed_by and not DULL.search(column) and not _all_said(asked.text, values)
    }
    telling = asked.telling or asked.text
    named = {c: share for c in cells if (share := header_share(telling, c)) > 0}
    told = {c: _told(telling, c, values, weights) for c, values in cells.items()}
    chosen = [c for c in sorted(named, key=lambda c: -named[c]) if named[c] >= _LEAST_OUTRIGHT][:3]
    wanted = asked_dimensions(asked.whole)
    hard = [d for d in wanted if d not in _LOOSE]
    for concept in asked.concepts:
        held = [c for c in cells if concept.column.search(c)]
        if not concept.weak and held and not any(c in held for c in chosen):
            chosen += _of_concept(concept, held, asked, cells, told, wanted)
    for dimension in wanted:
        held = [c for c in cells if _holds(cells[c], c, (dimension,))]
        chosen += _likeliest(asked, held, named, told, is_open=not any(c in held for c in chosen))
    spoken = {
        c: share + 0.5 * named.get(c, 0.0)
        for c, share in told.items()
        if c not in chosen and (chosen or not hard or _holds(cells[c], c, hard))
    }
    best = max(spoken.values(), default=0.0)
    if best >= (_LEAST_BESIDES if chosen else _LEAST_TOLD):
        chosen += [c for c in spoken if spoken[c] >= max(_LEAST_TOLD, 0.6 * best)][: 1 if chosen else _MOST_TOLD]
    chosen = chosen or _of_weak(asked, cells) or _of_stated(asked, cells)
    return tuple(dict.fromkeys(chosen))[:_MOST_COLUMNS]


def _all_said(text: str, values: Sequence[str]) -> bool:
    """Whether the question itself says all that the column holds: then it is no answer."""
    low = text.casefold()
    return len(values) == 1 and 2 <= len(values[0]) <= 20 and values[0].casefold() in low


def _of_concept(
    concept: Concept,
    held: list[str],
    asked: Asked,
    cells: Mapping[str, tuple[str, ...]],
    told: Mapping[str, float],
    wanted: Sequence[str],
) -> list[str]:
    """Of the columns that hold a concept, the one that speaks most of the question; of prices all."""
    if concept.name == "price":
        return held[:2]
    if concept.name in _MEASURED and "length" in wanted:
        held = [c for c in held if SIZE_CHART.search(c) or _holds(cells[c], c, ("length",))]
    if concept.name == "size":
        charts = [c for c in held if SIZE_CHART.search(c)]
        if charts and (asked.is_about_body or any(told[c] > 0 for c in charts)):
            return charts[:1]
    best = max(held, key=lambda c: (_holds(cells[c], c, wanted), told[c], -held.index(c)), default="")
    return [best] if best else []


def _of_weak(asked: Asked, cells: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [c for concept in asked.concepts if concept.weak for c in cells if concept.column.search(c)][:1]


def _of_stated(asked: Asked, cells: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The only column with numbers of the kind that the question states: a door of 95 mm asks for what doors fit."""
    stated = {q.dimension for q in quantities(asked.text) if q.dimension in _FITTED}
    held = [c for c in cells if any(not stated.isdisjoint(dimensions(v, c)) for v in cells[c])]
    return held if len(held) == 1 else []


def header_share(text: str, column: str) -> float:
    """How much of a column's name the question says, 0..1; words that many names have do not count."""
    parts = _header_parts(column)
    said = _parts(text)
    return sum(part in said for part in parts) / len(parts) if parts else 0.0


@lru_cache(maxsize=4096)
def _header_parts(column: str) -> frozenset[str]:
    bare = re.sub(r"[（(\[].*?[)）\]]", "", column)
    bare = re.sub(r"^是否(可|能|支持|含|有)?|上限|信息|^(variant|option\d?) ", "", bare, flags=re.IGNORECASE)
    return frozenset(_parts(bare) - _plain_parts())


@lru_cache(maxsize=1)
def _plain_parts() -> frozenset[str]:
    return _parts(" ".join(_PLAIN_WORDS))


@lru_cache(maxsize=8192)
def _parts(text: str) -> frozenset[str]:
    """English stems and Chinese character pairs (a lone character as it is)."""
    low = text.casefold()
    pairs = {run[i : i + 2] if len(run) > 1 else run for run in _HAN.findall(low) for i in range(max(1, len(run) - 1))}
    return frozenset(pairs | {stem(w) for w in re.findall(r"[a-z]{2,}", low)})


def _cells(variants: Iterable[Chunk]) -> dict[str, tuple[str, ...]]:
    """Column → its distinct values over the variants, columns in the shop's order; empty cells left out."""
    cells: dict[str, dict[str, None]] = {}
    for variant in variants:
        for column, value in variant.attributes.items():
            if value.strip():
                cells.setdefault(column, {})[value] = None
    return {column: tuple(values) for column, values in cells.items()}


def _holds(values: Iterable[str], column: str, wanted: Sequence[str]) -> bool:
    return any(not set(wanted).isdisjoint(dimensions(value, column)) for value in values)


def _likeliest(
    asked: Asked, held: Sequence[str], named: Mapping[str, float], told: Mapping[str, float], *, is_open: bool
) -> list[str]:
    """Of columns that hold the asked kind of number: the one whose name or cells speak of the question, else the only.

    `is_open` is true while no chosen column holds that kind.
    """
    speaks = {c: max(named.get(c, 0.0), header_share(asked.whole, c)) + told[c] for c in held}
    best = max(speaks.values(), default=0.0)
    if best >= (0.3 if is_open else _LEAST_TOLD):
        return [c for c in held if speaks[c] == best][:1]
    return [c for c in held if is_open and len(held) == 1 and not _OF_ITS_OWN.search(c)]


def _told(text: str, column: str, values: Sequence[str], weights: WordWeights) -> float:
    """How much the cells of a column speak of the question; in what the shop wrote freely single characters count."""
    shared = shared_weight(text, values, weights)
    if TOLD_IN_WORDS.search(column) and shared < _LEAST_TOLD:
        told = "".join(values)
        shared += _A_CHARACTER * sum(c in told for c in _rare_characters(text))
    return shared


@lru_cache(maxsize=4096)
def _rare_characters(text: str) -> frozenset[str]:
    """Chinese characters that tell something by themselves: none of those that any question has."""
    return frozenset(c for run in _HAN.findall(text) for c in run if c not in _COMMON_CHARACTERS)


_COMMON_CHARACTERS = frozenset(
    "的了是我你他她它们这那哪个些有没不也都就还要会能可以得着过吗呢吧啊么嘛呀啦冇咩唔系喺嘅啲边几多少好大小长短高低上下里外"
    "前后头面中间来去到在和跟与或把被给让对从向为因所用什怎样咋啥谁时候天日月年点分一二三四五六七八九十百千万两半只条件"
    "套双瓶盒包袋张片支款种色码号买卖钱块元价贵便宜想请问说看知道现货家店子儿起出开加完再又很太更最比较差同样"
)


def shared_weight(text: str, values: Iterable[str], weights: WordWeights) -> float:
    """Weight of the distinct telling words that the question and the values share."""
    asked = _telling(text)
    shared = asked & {w for value in values for w in words(value)} if asked else asked
    return weights.total(shared) if shared else 0.0


def shares_words(text: str, sentence: str) -> bool:
    """Whether a sentence has a telling word of the question."""
    return not _telling(text).isdisjoint(words(sentence))


@lru_cache(maxsize=4096)
def _telling(text: str) -> frozenset[str]:
    """Words that tell what is asked: no bare numbers, no words that every question has."""
    return frozenset(
        w
        for w in words(text)
        if w not in _EVERYDAY and not w.isdigit() and len(w) >= (2 if not w.isascii() or w.isupper() else 3)
    ) | frozenset(w for w in re.findall(r"(?<![A-Za-z])[A-Za-z]{2}(?![A-Za-z])", text.casefold()) if not text.isascii())


_EVERYDAY = frozenset(
    re.findall(
        r"\w+",
        "一个 这个 那个 几个 现在 多少 什么 怎么 可以 没有 知道 一下 一样 这款 那款 哪个 哪款 东西 好多 大概 "
        "里头 里面 时候 "
        "need want use much many get one good thing also just really still fit come work long last big small does",
    )
)
