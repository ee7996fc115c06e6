"""Knows a table by its headers, in Chinese and English, as shops and their platforms name them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Column(StrEnum):
    """What a column of an FAQ or product table holds."""

    ID = "id"
    DISABLED = "disabled"
    QUESTION = "question"
    SIMILAR = "similar"
    ANSWER = "answer"
    SECTION = "section"
    RELATED = "related"
    VALID_FROM = "valid_from"
    VALID_UNTIL = "valid_until"
    SKU = "sku"
    NAME = "name"
    PRICE = "price"
    HANDLE = "handle"


_ALIASES: dict[Column, str] = {
    Column.ID: """
        id faq_id row_id question_id entry_id knowledge_id 编号 问题编号 知识编号 条目编号 问题id 知识id
    """,
    Column.DISABLED: """
        停用 已停用 是否停用 disabled is_disabled
    """,
    Column.QUESTION: """
        问题 提问 常见问题 标准问题 标准问 问句 用户问题 问 标题 question questions q title faq ask query
        question_title standard_question customer_question
    """,
    Column.SIMILAR: """
        相似问法 相似问题 相似问 相似问句 扩展问 扩展问题 同义问法 其他问法 别名 similar
        similar_questions similar_question aliases alias variants phrasings alternatives
        alternative_questions also_asked synonyms variations
    """,
    Column.ANSWER: """
        答案 回答 回复 答复 标准答案 答 回复内容 解答 内容 answer answers a body_html body content reply
        response text answer_html standard_answer body(html)
    """,
    Column.SECTION: """
        分类 类目 类别 栏目 主题 所属分类 section category categories topic group section_name
    """,
    Column.RELATED: """
        关联问题 相关问题 推荐问题 关联 related related_questions related_question see_also suggested
        next_questions
    """,
    Column.VALID_FROM: """
        生效日期 生效时间 开始日期 开始时间 起始日期 有效期起 生效日 有效期开始 valid_from start_date
        start starts from_date effective_from effective_date effective valid_since starts_on active_from
        publish_from
    """,
    Column.VALID_UNTIL: """
        失效日期 失效时间 结束日期 结束时间 截止日期 有效期止 到期日期 失效日 有效期结束 截止时间
        valid_to valid_until end_date end ends expires expiry expiry_date expires_on to_date effective_to
        effective_until ends_on valid_till active_until expires_at
    """,
    Column.SKU: """
        sku 商家编码 货号 商品编码 商品编号 规格编码 sku编码 sku编号 编码 款号 产品编号 物料编码
        variant_sku item_sku sku_code product_code item_code item_no item_number article_number
        article_no product_id item_id part_number skuid sku_id 商品货号 产品编码
    """,
    Column.NAME: """
        名称 商品名称 宝贝名称 产品名称 品名 商品 商品名 产品名 产品 商品标题 宝贝标题 name title product
        product_name item item_name product_title
    """,
    Column.PRICE: """
        价格 售价 单价 现价 零售价 商品价格 销售价 一口价 活动价 price variant_price unit_price
        sale_price retail_price selling_price list_price
    """,
    Column.HANDLE: """
        handle url_handle product_handle
    """,
}


def normal(header: str) -> str:
    """A header without case, spaces, punctuation and units in brackets, for comparing."""
    plain = unicodedata.normalize("NFKC", header).casefold()
    plain = re.sub(r"\((?:[^()]{0,12})\)\s*$", lambda m: m.group() if "html" in m.group() else "", plain)
    return re.sub(r"[^0-9a-z\u3400-\u9fff]", "", plain)


_LOOKUP: dict[str, tuple[Column, ...]] = {}
for _column, _names in _ALIASES.items():
    for _name in _names.split():
        _LOOKUP[normal(_name)] = (*_LOOKUP.get(normal(_name), ()), _column)


def meanings(header: str) -> tuple[Column, ...]:
    """What a header may stand for: `title` is an FAQ's question or a product's name."""
    return _LOOKUP.get(normal(header), ())


def count_known(cells: Sequence[str]) -> int:
    """How many cells are headers we know, each meaning once."""
    return len({found[0] for cell in cells if len(cell) < 60 and (found := meanings(cell))})


class TableKind(StrEnum):
    """What a table as a whole is."""

    FAQ = "faq"
    PRODUCT = "product"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TableHeader:
    """The header row of a table: what it is, and which column means what (the first of each wins)."""

    kind: TableKind
    names: tuple[str, ...]
    columns: dict[Column, int]


def read_header(cells: Sequence[str]) -> TableHeader:
    """Recognise a header row; `OTHER` when it is neither of an FAQ nor of a product table."""
    names = tuple(cell.strip() for cell in cells)
    found: dict[Column, int] = {}
    for index, name in enumerate(names):
        for column in meanings(name):
            found.setdefault(column, index)
    is_product = Column.SKU in found or (
        (Column.HANDLE in found or Column.NAME in found)
        and (Column.PRICE in found or Column.HANDLE in found)
        and not _is_faq(found)
    )
    if is_product and not (_is_faq(found) and Column.PRICE not in found):
        return TableHeader(TableKind.PRODUCT, names, _only(found, product=True))
    if _is_faq(found):
        return TableHeader(TableKind.FAQ, names, _only(found, product=False))
    return TableHeader(TableKind.OTHER, names, {c: i for c, i in found.items() if c is Column.NAME})


def _is_faq(found: dict[Column, int]) -> bool:
    return Column.QUESTION in found and Column.ANSWER in found and found[Column.QUESTION] != found[Column.ANSWER]


PRODUCT_COLUMNS: frozenset[Column] = frozenset({Column.SKU, Column.NAME, Column.PRICE, Column.HANDLE})


def _only(found: dict[Column, int], *, product: bool) -> dict[Column, int]:
    return {
        column: index
        for column, index in found.items()
        if column is Column.DISABLED or (column in PRODUCT_COLUMNS) == product
    }


def is_yes(cell: str) -> bool:
    """Whether a cell of a yes-or-no column says yes."""
    return normal(cell) in {"是", "对", "已停用", "停用", "yes", "y", "true", "1", "x", "disabled"}
