"""Say what was read off the product rows: each product's asked values in one sentence, then who wins.

Values stand in the sentences byte for byte, each sentence cites the rows it was read in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from app.chat.compare import Contender, verdicts
from app.chat.concepts import DULL, SIZE_CHART, TOLD_IN_WORDS
from app.chat.products import Reading, facts_of
from app.chat.say_value import said, yes_or_no
from app.chat.sizes import fitting_sizes
from app.chat.turn import Citation, Evidence, Fact, Question, Sentence
from app.chat.variants import option_columns
from app.knowledge.view import Product

_KEPT_VALUES = 6
"""Different values of variants that are listed before the list says no more."""
_CITED = 12
_CARD_COLUMNS = re.compile(r"价格|售价|一口价|单价|^price|库存|现货|在售|^stock|availab", re.IGNORECASE)
_LONG_TEXT = 300


class ProductSpeaker:
    """Says readings in one language and one currency. Pure."""

    def __init__(self, question: Question, currency: str) -> None:
        self._question = question
        self._zh = question.language == "zh"
        self._language = question.language
        self._currency = currency

    def evidence(self, reading: Reading) -> Evidence:
        """An answer from product rows. Empty when what was asked is not recorded of the product."""
        if not reading.facts:
            return self._cards(reading) if reading.introduces and not reading.missing else Evidence()
        spoken = [(p, facts) for p, _ in reading.products if (facts := _facts_about(reading, p))]
        if len(spoken) > 1 and reading.compares:
            draft = self._side_by_side(spoken)
        else:
            draft = [s for product, facts in spoken for s in self._of_product(product, facts)]
            if reading.compares and len(spoken) == 1:
                draft += self._between_variants(*spoken[0])
        if not spoken:
            draft = [self._sentence(reading.facts[0].subject, [self._named(list(reading.facts))], reading.facts)]
        return Evidence(facts=reading.facts, draft=tuple(draft))

    def _cards(self, reading: Reading) -> Evidence:
        """What a product costs and whether there is any, with what the shop wrote about it: nothing else was asked."""
        facts: list[Fact] = []
        draft: list[Sentence] = []
        for product, _ in reading.products[:2]:
            variants = [v for v in reading.variants if v in product.variants] or list(product.variants)
            columns = [c for c in product.columns if not DULL.search(c)]
            written = [c for c in columns if TOLD_IN_WORDS.search(c)][:1]
            found = facts_of(variants, [*written, *(c for c in columns if _CARD_COLUMNS.search(c))][:3])
            found = tuple(f for f in found if len(f.value) <= _LONG_TEXT)
            if found:
                facts += found
                draft += self._of_product(product, found)
        return Evidence(facts=tuple(facts), draft=tuple(draft))

    def _of_product(self, product: Product, facts: Sequence[Fact]) -> list[Sentence]:
        """One sentence of all the columns; a chart's fitting size in one of its own, before it."""
        fitting, rest = self._fitting(product, facts)
        if not rest:
            return fitting
        columns = list(dict.fromkeys(f.name for f in rest))
        named = [self._column(product, [f for f in rest if f.name == c]) for c in columns]
        answer = yes_or_no(self._question.text, rest[0], self._language) if len(columns) == 1 else ""
        return [*fitting, self._sentence(product_name(product, rest), named, rest, answer)]

    def _fitting(self, product: Product, facts: Sequence[Fact]) -> tuple[list[Sentence], list[Fact]]:
        """The sizes that fit the stated measures, cited to the variants of that size, and the facts left to say.

        Where a size is named instead, its row of the chart stands for the chart.
        """
        charts = [f for f in facts if SIZE_CHART.search(f.name)]
        rest = [f for f in facts if not SIZE_CHART.search(f.name)]
        rows = fitting_sizes(self._question.text, charts[0].value)[:2] if charts else []
        if not rows:
            return [], [*rest, *(_row_of(product, f) for f in charts)]
        names = [re.split(r"[:：]", row, maxsplit=1)[0].strip() for row in rows]
        of_size = [f for f in charts if _size_of(product, f) in names] or charts[:1]
        told = ("；" if self._zh else "; ").join(rows)
        if self._zh:
            sizes = "或".join(n if n.endswith("码") else f"{n}码" for n in names)
            text = f"{charts[0].subject}建议选{sizes}（{told}）。"
        else:
            text = f"{charts[0].subject}: size {' or '.join(names)} fits ({told})."
        parts = [replace(f, value=row) for f in of_size for row in rows if row in f.value]
        return [Sentence(text, _cited(parts), "fact")], rest

    def _column(self, product: Product, facts: Sequence[Fact]) -> tuple[str, str]:
        """(column, value) of one column: the shared value, or each variant's own by what tells them apart."""
        by_value: dict[str, list[Fact]] = {}
        for fact in facts:
            by_value.setdefault(fact.value, []).append(fact)
        if len(by_value) == 1:
            return self._named(facts)
        labels = telling_labels(product, facts)
        comma, colon, semicolon = ("、", "：", "；") if self._zh else (", ", ": ", "; ")
        parts = []
        for alike in list(by_value.values())[:_KEPT_VALUES]:
            names = list(dict.fromkeys(label for f in alike if (label := labels.get(f.locator, ""))))
            _, value = said(alike[0], self._language, self._currency)
            own = names == [value] or not names
            parts.append(value if own else f"{comma.join(names[:4])}{colon}{value}")
        return said(facts[0], self._language, self._currency)[0], semicolon.join(parts)

    def _side_by_side(self, spoken: Sequence[tuple[Product, Sequence[Fact]]]) -> list[Sentence]:
        """A sentence a column with every product's value, then who wins in it."""
        draft: list[Sentence] = []
        colon, semicolon = ("：", "；") if self._zh else (": ", "; ")
        for column in dict.fromkeys(f.name for _, facts in spoken for f in facts):
            of_column = [(p, held) for p, facts in spoken if (held := [f for f in facts if f.name == column])]
            told = [(product_name(p, held), self._column(p, held)) for p, held in of_column]
            facts = [f for _, held in of_column for f in held]
            name = told[0][1][0]
            parts = [f"{product} {value.rstrip('。.')}" for product, (_, value) in told]
            text = f"{name}{colon}{semicolon.join(parts)}"
            draft.append(Sentence(f"{text}。" if self._zh else f"{text}.", _cited(facts), "fact"))
            contenders = [Contender(product_name(p, held), tuple(held)) for p, held in of_column]
            draft += self._verdicts(contenders, column)
        return draft

    def _between_variants(self, product: Product, facts: Sequence[Fact]) -> list[Sentence]:
        """Who wins among the variants of one product."""
        draft: list[Sentence] = []
        for column in dict.fromkeys(f.name for f in facts):
            of_column = [f for f in facts if f.name == column]
            labels = telling_labels(product, of_column)
            by_label: dict[str, list[Fact]] = {}
            for fact in of_column:
                by_label.setdefault(labels.get(fact.locator, ""), []).append(fact)
            if 2 <= len(by_label) <= _KEPT_VALUES and len({f.value for f in of_column}) > 1 and "" not in by_label:
                draft += self._verdicts([Contender(n, tuple(fs)) for n, fs in by_label.items()], column)
        return draft

    def _verdicts(self, contenders: Sequence[Contender], column: str) -> list[Sentence]:
        found = verdicts(self._question.text, contenders, column, self._language)
        return [Sentence(self._with_currency(v.text, column), _cited(v.facts), "fact") for v in found]

    def _with_currency(self, text: str, column: str) -> str:
        """A difference of prices that stand as bare numbers, said with the shop's currency."""

        def priced(match: re.Match[str]) -> str:
            shown = said(Fact("", column, match[2], "", ""), self._language, self._currency)[1]
            return f"{match[1]}{shown}"

        return re.sub(r"((?:相差 |by |difference is ))(\d[\d.]*)(?=[。.]$)", priced, text)

    def _named(self, facts: Sequence[Fact]) -> tuple[str, str]:
        return said(facts[0], self._language, self._currency)

    def _sentence(
        self, subject: str, named: Sequence[tuple[str, str]], facts: Sequence[Fact], answer: str = ""
    ) -> Sentence:
        stop = "。" if self._zh else "."
        if len(named) == 1:
            name, value = named[0]
            value = value.rstrip(stop)
            text = f"{subject}的{name}：{value}。" if self._zh else f"{subject} – {name}: {value}."
        else:
            colon, semicolon = ("：", "；") if self._zh else (": ", "; ")
            told = semicolon.join(f"{name}{colon}{value.rstrip('。.')}" for name, value in named)
            text = f"{subject}：{told}。" if self._zh else f"{subject} – {told}."
        return Sentence(f"{answer}{text}", _cited(facts), "fact")


def _size_of(product: Product, fact: Fact) -> str:
    """The entry of a size chart that the fact's own variant stands in; "" where none is called like its options."""
    variant = next((v for v in product.variants if v.locator == fact.locator), None)
    options = {variant.attributes.get(c, "").strip() for c in option_columns(product)} if variant else set()
    entries = [m.strip() for m in re.findall(r"(?:^|[;；\n|])\s*([^:：;；]{1,20})[:：]", fact.value)]
    return next((e for e in entries if e in options or e.removesuffix("床") in options), "")


def _row_of(product: Product, fact: Fact) -> Fact:
    """A chart cut to the row of the fact's own size."""
    size = _size_of(product, fact)
    row = re.search(rf"(?:^|(?<=[;；\n|]))\s*({re.escape(size)}\s*[:：][^;；\n|]*)", fact.value) if size else None
    return replace(fact, value=row[1].strip()) if row else fact


def _facts_about(reading: Reading, product: Product) -> list[Fact]:
    rows = {v.locator for v in product.variants}
    return [f for f in reading.facts if f.locator in rows or not f.locator]


def product_name(product: Product, facts: Sequence[Fact]) -> str:
    """What a product is called: its row's own name where the facts are of one row."""
    subjects = list(dict.fromkeys(f.subject for f in facts))
    return subjects[0] if len(subjects) == 1 else product.name


def telling_labels(product: Product, facts: Sequence[Fact]) -> dict[str, str]:
    """SKU → what tells its value from the others': one option where that is enough, else up to three together."""
    variants = {v.locator: v for v in product.variants}
    columns = [c for c in option_columns(product) if not DULL.search(c)]
    for chosen in ([c] for c in columns):
        values: dict[str, set[str]] = {}
        for fact in facts:
            label = variants[fact.locator].attributes.get(chosen[0], "") if fact.locator in variants else ""
            values.setdefault(label, set()).add(fact.value)
        if "" not in values and all(len(held) == 1 for held in values.values()):
            return {f.locator: variants[f.locator].attributes[chosen[0]] for f in facts}
    differing = [c for c in columns if len({variants[f.locator].attributes.get(c, "") for f in facts}) > 1]
    return {
        f.locator: " ".join(
            dict.fromkeys(v for c in differing[:3] if (v := variants[f.locator].attributes.get(c, "").strip()))
        )
        for f in facts
        if f.locator in variants
    }


def _cited(facts: Sequence[Fact]) -> tuple[Citation, ...]:
    """Where the values stand, then the products' own rows; a row that many values share is cited once."""
    places = [fact.citations for fact in facts]
    cited = dict.fromkeys([*(p[0] for p in places), *(c for p in places for c in p[1:])])
    return tuple(cited)[: _CITED * 2]
