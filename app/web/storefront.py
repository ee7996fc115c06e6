"""What the demo page shows of a shop: a few products, common questions, the brand. Read from the live release."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Protocol, runtime_checkable
from zlib import crc32

from app.errors import NoKnowledge, NotFound
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.ports import Catalogue
from app.knowledge.view import changes, standing
from app.shop.brand import Brand
from app.web.picture import shape_of, tint_of
from app.web.words import WORDS

PRODUCTS_SHOWN = 12
QUESTIONS_SHOWN = 8
ATTRIBUTES_SHOWN = 3
LANGUAGES = ("zh", "en")
THEMES = ("moss", "ink", "clay", "begonia", "plum", "sea")

_PRICE = re.compile(r"^(variant )?price$|^(售价|价格|单价|现价|零售价|sale price|unit price|price ?\(.+\))$", re.I)
_CATEGORY = re.compile(r"^(类目|分类|品类|类别|type|category|product type|product category)$", re.I)
_DULL = re.compile(
    r"^(sku|编号|货号|名称|商品名称|name|title|handle|body.*|description|描述|备注|图片.*|image.*|vendor|brand|品牌|tags|标签|"
    r"status|published|库存|stock|.*inventory.*|.*compare at.*|option\d.*|.*尺码表.*|size chart|.*grams|"
    r"requires shipping|taxable|variant .*|slug|url|链接|条码|barcode|in the box|包装清单)$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class ProductCard:
    """One product, its variants taken together.

    price       as the shop wrote it, with the currency where it is known; "" when there is none
    from_price  true when variants cost different amounts and `price` is the lowest
    attributes  (name, value) pairs that all variants share
    shape, tint which drawing stands for its photograph
    """

    title: str
    sku: str
    category: str
    price: str
    from_price: bool
    attributes: tuple[tuple[str, str], ...]
    variants: int
    language: str
    shape: str
    tint: int


@dataclass(frozen=True, slots=True)
class Topic:
    """A question shoppers often ask, under the section of the shop's FAQ."""

    question: str
    section: str
    language: str


@dataclass(frozen=True, slots=True)
class ShopLink:
    """A shop one can switch to."""

    shop: str
    name: str


@dataclass(frozen=True, slots=True)
class StorefrontData:
    """Everything templates/demo.html needs. `language` is the page's; knowledge keeps its own."""

    shop: str
    language: str
    languages: tuple[str, ...]
    brand_name: str
    assistant_name: str
    slogan: str
    greeting: str
    contact: tuple[tuple[str, str], ...]
    theme: str
    currency: str
    release: int
    chunk_count: int
    product_count: int
    products: tuple[ProductCard, ...]
    questions: tuple[str, ...]
    topics: tuple[Topic, ...]
    shops: tuple[ShopLink, ...]

    @property
    def starters(self) -> tuple[Topic, ...]:
        """Questions to begin with: the brand's own choice, else from the FAQ in the page's language, else prices.

        A shop answers in both languages, even when its knowledge is written in the other one.
        """
        in_language = tuple(topic for topic in self.topics if topic.language == self.language)
        if in_language and not self.questions:
            return in_language
        words = WORDS[self.language]
        prices = tuple(words.product_question.format(title=card.title) for card in self.products[:3])
        return tuple(Topic(question, "", words.lang) for question in self.questions or prices or words.starters)


@runtime_checkable
class StorefrontSource(Protocol):
    """What the page needs of the container."""

    async def storefront(self, shop: str, language: str) -> StorefrontData:
        """`shop` "" is the default shop, `language` "" the shop's own. Raises NotFound or NoKnowledge."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was read of a release, and until when it is what the page shows."""

    release: int
    until: datetime
    shown: tuple[tuple[ProductCard, ...], int, tuple[Chunk, ...], int]


_NEVER = datetime.max.replace(tzinfo=UTC)


class StorefrontReader:
    """Builds storefront data; `brands` gives a shop's brand or raises NotFound.

    It remembers what it read of a release, since a release never changes.
    """

    def __init__(self, catalogue: Catalogue, brands: Callable[[str], Brand], default_shop: str = "") -> None:
        self._catalogue = catalogue
        self._brands = brands
        self._default_shop = default_shop
        self._kept: dict[str, _Kept] = {}

    async def read(self, shop: str = "", language: str = "") -> StorefrontData:
        """The page's data. Raises NotFound for an unknown shop, NoKnowledge before its first publish."""
        shops = await self._catalogue.shops()
        shop = shop or self._default_shop or (shops[0] if shops else "")
        if not shop:
            raise NoKnowledge("No shop has live knowledge yet. Run `xiaoer ingest PATH --shop NAME --publish` first.")
        if shop not in shops:
            raise NotFound(f"There is no shop named {shop!r}. Shops here: {', '.join(shops) or 'none'}.")
        release = await self._catalogue.live_release(shop)
        if release is None:
            raise NoKnowledge(f"Shop {shop!r} has no live release. Publish one with `xiaoer releases publish`.")
        brand = self._brands(shop)
        products, product_count, faqs, chunk_count = await self._knowledge(shop, release, brand)
        language = language if language in LANGUAGES else page_language(brand)
        topics = tuple(pick_topics(faqs, language, datetime.now(UTC)))
        return StorefrontData(
            shop=shop,
            language=language,
            languages=LANGUAGES,
            brand_name=brand.name,
            assistant_name=brand.assistant_name,
            slogan=_in_language(brand.notes.get("slogan"), language),
            greeting=str(brand.greeting.get(language) or ""),
            contact=_contact(brand),
            theme=_theme(shop, brand),
            currency=brand.currency,
            release=release,
            chunk_count=chunk_count,
            product_count=product_count,
            products=products,
            questions=_own_questions(brand, language),
            topics=topics,
            shops=tuple(ShopLink(name, self._brands(name).name) for name in shops),
        )

    async def _knowledge(
        self, shop: str, release: int, brand: Brand
    ) -> tuple[tuple[ProductCard, ...], int, tuple[Chunk, ...], int]:
        kept, now = self._kept.get(shop), datetime.now(UTC)
        if kept is None or kept.release != release or now >= kept.until:
            chunks = await self._catalogue.chunks(shop, release)
            # Prices are those of today: a sale begins and ends within a release.
            until = next((moment for moment in changes(chunks) if moment > now), _NEVER)
            cards = product_cards(standing(chunks, now), brand.currency)
            faqs = tuple(chunk for chunk in chunks if chunk.kind is Kind.FAQ)
            kept = _Kept(release, until, (tuple(spread(cards, PRODUCTS_SHOWN)), len(cards), faqs, len(chunks)))
            self._kept[shop] = kept
        return kept.shown


def page_language(brand: Brand) -> str:
    """The language a page of this shop has when nobody asked for one."""
    return brand.default_language if brand.default_language in LANGUAGES else "en"


def product_cards(chunks: Iterable[Chunk], currency: str = "") -> list[ProductCard]:
    """One card a product group, in the order of the catalogue."""
    groups: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        if chunk.kind is Kind.PRODUCT:
            groups[chunk.group or chunk.title].append(chunk)
    return [_card(variants, currency) for variants in groups.values()]


def _card(variants: Sequence[Chunk], currency: str) -> ProductCard:
    first = variants[0]
    category = _first_value(first, _CATEGORY) or first.section
    prices = {price for variant in variants if (price := _first_value(variant, _PRICE))}
    lowest = min(prices, key=_amount, default="")
    shared = [
        (name, value)
        for name, value in first.attributes.items()
        if value.strip()
        and len(value) <= 24
        and not (_DULL.match(name) or _PRICE.match(name) or _CATEGORY.match(name))
        and all(variant.attributes.get(name) == value for variant in variants)
    ]
    return ProductCard(
        title=first.title,
        sku=first.locator,
        category=category,
        price=currency + lowest if re.match(r"^\d", lowest) else lowest,
        from_price=len(prices) > 1,
        attributes=tuple(shared[:ATTRIBUTES_SHOWN]),
        variants=len(variants),
        language=first.language,
        shape=shape_of(first.title, category),
        tint=tint_of(first.title),
    )


def spread(cards: Sequence[ProductCard], limit: int) -> list[ProductCard]:
    """Some of the cards, going round the categories so that the page shows the breadth of the shop."""
    by_category: dict[str, list[ProductCard]] = defaultdict(list)
    for card in cards:
        by_category[card.category].append(card)
    rounds = zip_longest(*by_category.values())
    return [card for one_round in rounds for card in one_round if card is not None][:limit]


def pick_topics(faqs: Iterable[Chunk], language: str, now: datetime) -> list[Topic]:
    """Questions to show: valid now, the page's language first, one a section before a second of any."""
    valid = [chunk for chunk in faqs if chunk.is_valid(now)]
    mine = [chunk for chunk in valid if chunk.language == language] or valid
    by_section: dict[str, list[Topic]] = defaultdict(list)
    seen: set[str] = set()
    for chunk in mine:
        if chunk.title not in seen and len(chunk.title) <= 70:
            seen.add(chunk.title)
            by_section[chunk.section].append(Topic(chunk.title, chunk.section, chunk.language))
    rounds = zip_longest(*by_section.values())
    return [topic for one_round in rounds for topic in one_round if topic is not None][:QUESTIONS_SHOWN]


def _first_value(chunk: Chunk, column: re.Pattern[str]) -> str:
    return next((v.strip() for name, v in chunk.attributes.items() if column.match(name.strip()) and v.strip()), "")


def _amount(price: str) -> float:
    number = re.search(r"\d+(?:\.\d+)?", price.replace(",", ""))
    return float(number.group()) if number else float("inf")


def _in_language(value: object, language: str) -> str:
    if isinstance(value, Mapping):
        return str(value.get(language) or next(iter(value.values()), ""))
    return str(value or "")


def _own_questions(brand: Brand, language: str) -> tuple[str, ...]:
    """`quick_questions: {zh: […], en: […]}` in brand.yaml, where a shop has chosen its own."""
    chosen = brand.notes.get("quick_questions")
    listed = chosen.get(language) if isinstance(chosen, Mapping) else chosen
    return tuple(str(question) for question in listed) if isinstance(listed, list | tuple) else ()


def _contact(brand: Brand) -> tuple[tuple[str, str], ...]:
    if isinstance(brand.contact, Mapping):
        return tuple((str(name), str(value)) for name, value in brand.contact.items())
    return (("", brand.contact),) if brand.contact else ()


def _theme(shop: str, brand: Brand) -> str:
    """brand.yaml's `theme` if it is one of ours, else one that stays the same for the shop."""
    named = str(brand.notes.get("theme") or "")
    return named if named in THEMES else THEMES[crc32(shop.encode()) % len(THEMES)]
