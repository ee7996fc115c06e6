"""Which variants of a product a shopper means: by option value, size as a number, colour family, or "the big one".

Pure. Options are the columns that tell a product's variants apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from app.chat.concepts import DULL, TOLD_IN_WORDS
from app.chat.quantities import plain, quantities
from app.chat.turn import Question
from app.knowledge.chunk import Chunk
from app.knowledge.tokenize import words
from app.knowledge.view import Product

_LETTER_SIZE = re.compile(r"^(x{0,4}[sl]|m|[2-6]xl|均码|one size)$", re.IGNORECASE)
_SIZE_WORDS = {
    "s": r"\bsmall\b|小码|小号",
    "m": r"\bmedium\b|\bmed\b|中码|中号",
    "l": r"(?<!x-)(?<!extra )(?<!x )\blarge\b|(?<![加最])大码|(?<![加最])大号",
    "xl": r"\b(extra|x)[- ]large\b|加大码|加大号",
}
_LETTER_ORDER = ("xxxs", "xxs", "xs", "s", "m", "l", "xl", "xxl", "2xl", "xxxl", "3xl", "4xl", "5xl")
_NO_OPTION = re.compile(
    r"价|price|库存|现货|在售|状态|stock|inventory|availab|重量|净重|weight|grams?\b|功率|尺码表|chart|日期|date",
    re.IGNORECASE,
)
"""Columns whose values differ between variants and yet do not name them."""
_LONGEST_OPTION = 40
_BIGGEST = re.compile(
    r"(?:最大|大号|加大|大(?:瓶|罐|盒|杯|床|款|尺寸|包|袋|壶|箱|支|只|的)|(?:最|要|加)长|长(?:的|款|那|根)|"
    r"最高|高(?:的|款)|"
    r"\b(?:big|bigger|biggest|large|larger|largest|tall|taller|tallest|long|longer|longest)\b"
    r"(?! does| will| is| do| can| to))",
    re.IGNORECASE,
)
_SMALLEST = re.compile(
    r"(?:最小|小号|小(?:瓶|罐|盒|杯|床|款|尺寸|包|袋|壶|箱|支|只|的)|最短|短(?:的|款|那|根)|最矮|矮(?:的|款)|迷你|"
    r"\b(?:small|smaller|smallest|little|lil|mini|short|shorter|shortest)\b)",
    re.IGNORECASE,
)
Families = Sequence[tuple[re.Pattern[str], re.Pattern[str]]]
"""How shoppers call a colour → what shops call the shades of it."""


def option_columns(product: Product) -> tuple[str, ...]:
    """The columns whose values name the variants."""
    return tuple(
        c
        for c in product.options
        if not _NO_OPTION.search(c)
        and not TOLD_IN_WORDS.search(c)
        and not re.search(r"sku|编码|货号|barcode|条码", c, re.IGNORECASE)
        and all(len(v.attributes.get(c, "")) <= _LONGEST_OPTION for v in product.variants)
    )


def meant_variants(question: Question, product: Product, colours: Families = ()) -> tuple[Chunk, ...]:
    """Variants whose option values the question names (else the history, else all)."""
    return meant(question, product, colours)[0]


def meant(question: Question, product: Product, colours: Families = ()) -> tuple[tuple[Chunk, ...], frozenset[str]]:
    """The variants meant, and the options that told them: those name the variant, they are not what is asked."""
    for text in (
        question.text,
        *(m.text for m in reversed(question.history) if question.signals.get("depends", 0) > 0),
    ):
        narrowed, by = narrow(text, product, colours)
        if len(narrowed) < len(product.variants):
            return narrowed, by
    return product.variants, frozenset()


def narrow(text: str, product: Product, colours: Families = ()) -> tuple[tuple[Chunk, ...], frozenset[str]]:
    """The variants a text names, column by column, and the columns that told; all variants when it names none."""
    variants = product.variants
    columns = option_columns(product)
    told: set[str] = set()
    for column in columns:
        said = [v for v in variants if (value := v.attributes.get(column, "").strip()) and says_value(text, value)]
        if said:
            longest = max(len(v.attributes[column]) for v in said)
            variants = tuple(v for v in said if len(v.attributes[column]) == longest)
            told.add(column)
    shades = [shade for family, shade in colours if family.search(text)]
    tests: list[Callable[[str, str], bool]] = [says_number] if quantities(text) else []
    tests += [lambda _, value: any(shade.search(value) for shade in shades)] if shades else []
    for says in (*tests, _says_part):
        for column in columns if len(variants) > 1 else ():
            said = [v for v in variants if says(text, v.attributes.get(column, ""))]
            if 0 < len(said) < len(variants):
                variants = tuple(said)
                told.add(column)
    return _by_extent(text, variants, columns, told)


def says_value(text: str, value: str) -> bool:
    """Whether the text names an option value: a letter size as a size, a word as a word, Chinese as a substring."""
    low, wanted = text.casefold(), value.casefold()
    if _LETTER_SIZE.match(value):
        if re.search(_SIZE_WORDS.get(wanted, r"(?!)"), low):
            return True
        exact = re.search(rf"(?<![A-Za-z0-9'’]){re.escape(value)}(?![A-Za-z0-9'’])", text)
        loose = re.search(
            rf"(?<![a-z0-9'’]){re.escape(wanted)}\s*(码|号|size)|size[\s:]+{re.escape(wanted)}(?![a-z0-9])", low
        )
        return bool(exact or loose)
    if wanted.isascii():
        return bool(re.search(rf"(?<![a-z0-9.]){re.escape(wanted)}(?![a-z0-9])", low))
    core = re.sub(r"[（(].*?[)）]", "", wanted).strip()
    short = core[:-1] if len(core) > 1 and core.endswith("色") else core
    return bool(short) and (core in low or (len(short) >= 2 and short in low))


def says_number(text: str, value: str) -> bool:
    """Whether the text states the size that an option value is: "240毫升" says "240ml", "the 750" says "750 ml"."""
    held = quantities(value)
    if not held:
        return False
    return any(
        asked.number
        and (
            (asked.dimension == own.dimension and asked.dimension and abs(asked.low - own.low) <= 0.005 * abs(own.low))
            or (asked.number == own.number and len(asked.number) >= 2 and "" in (asked.dimension, own.dimension))
        )
        for own in held[:1]
        for asked in quantities(text)
    )


def _says_part(text: str, value: str) -> bool:
    """Whether the text says a telling part of an option value: "礼盒" of "250g礼盒", "ground" of "Ground, fine"."""
    parts = [w for w in words(value) if len(w) >= (4 if w.isascii() else 2) and not w[0].isdigit()]
    return bool(parts) and not _word_set(text).isdisjoint(parts)


@lru_cache(maxsize=1024)
def _word_set(text: str) -> frozenset[str]:
    return frozenset(words(text))


def _by_extent(
    text: str, variants: tuple[Chunk, ...], columns: Sequence[str], told: set[str]
) -> tuple[tuple[Chunk, ...], frozenset[str]]:
    """The biggest or the smallest where one of the two is asked for and the sizes can be put in order."""
    biggest, smallest = bool(_BIGGEST.search(text)), bool(_SMALLEST.search(text))
    if biggest == smallest or len(variants) < 2:
        return variants, frozenset(told)
    for column in columns:
        extents = {v.locator: _extent(v.attributes.get(column, "")) for v in variants}
        ordered = [e for e in extents.values() if e is not None]
        if len(ordered) == len(variants) and len({kind for kind, _ in ordered}) == 1 and len(set(ordered)) > 1:
            wanted = max(ordered) if biggest else min(ordered)
            return tuple(v for v in variants if extents[v.locator] == wanted), frozenset({*told, column})
    return variants, frozenset(told)


def _extent(value: str) -> tuple[str, float] | None:
    """What an option value measures, for putting variants in order; None where it is no size."""
    low = value.strip().casefold()
    if low in _LETTER_ORDER:
        return "letter", float(_LETTER_ORDER.index(low))
    held = quantities(plain(value))
    return (held[0].dimension, held[0].low) if held else None


def variant_labels(products: Sequence[Product]) -> dict[str, str]:
    """SKU → short name of the variant by its option values, one that another already says left out."""
    labels = {}
    for product in products:
        naming = [c for c in option_columns(product) if not DULL.search(c)]
        for variant in product.variants:
            labels[variant.locator] = _label(variant, naming)
    return labels


def _label(variant: Chunk, naming: Sequence[str]) -> str:
    label = ""
    for column in naming[:3]:
        value = variant.attributes.get(column, "").strip()
        if value and len(value) <= 24 and value.casefold() not in label.casefold().split():
            label = f"{label} {value}" if label else value
    return label
