"""Two small shops as a catalogue would hold them, for pages that need something to show."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.release import Release
from app.shop.brand import Brand
from app.web.storefront import StorefrontData, StorefrontReader


def product(name: str, sku: str, language: str, **attributes: str) -> Chunk:
    """One variant; keyword order is column order."""
    return Chunk(
        chunk_id=sku,
        document_id="products",
        path="knowledge/products.csv",
        locator=sku,
        kind=Kind.PRODUCT,
        title=name,
        text="",
        language=language,
        content_hash=sku,
        attributes=MappingProxyType(attributes),
        group=name,
    )


def faq(question: str, section: str, language: str) -> Chunk:
    """One row of a help centre."""
    return Chunk(
        chunk_id=question,
        document_id="faq",
        path="knowledge/faq.csv",
        locator=f"row 2 | {question}",
        kind=Kind.FAQ,
        title=question,
        text="…",
        language=language,
        content_hash=question,
        section=section,
    )


BRANDS: Mapping[str, Brand] = {
    "hills": Brand(
        name="Hill & Hollow",
        assistant_name="Rowan",
        default_language="en",
        greeting={"en": "Hello from Rowan.", "zh": "您好，我是 Rowan。"},
        service_hours={"timezone": "Europe/London"},
        contact={"email": "help@hills.example"},
    ),
    "teahouse": Brand(
        name="山下茶舍", assistant_name="阿茶", notes={"slogan": "慢慢喝", "theme": "clay", "currency": "¥"}
    ),
}
CHUNKS: Mapping[str, list[Chunk]] = {
    "hills": [
        product("Ridge Jacket", "RJ-S", "en", Type="Jackets", Price="189.00", Material="nylon", Size="S"),
        product("Ridge Jacket", "RJ-M", "en", Type="Jackets", Price="199.00", Material="nylon", Size="M"),
        product("<b>Tarn</b> Socks", "TS", "en", Type="Socks", Price="£14", Material="wool"),
        faq("How long does delivery take?", "Delivery", "en"),
        faq("Can I return worn boots?", "Returns", "en"),
    ],
    "teahouse": [
        product("明前龙井", "T1", "zh", 类目="茶", 价格="198", 产地="杭州"),
        faq("多久能发货？", "物流", "zh"),
    ],
}


class ShopWindow:
    """A catalogue of those two, and the pages over it."""

    def __init__(self) -> None:
        self.reads = 0
        self.release = 1
        self._reader = StorefrontReader(self, BRANDS.__getitem__)

    async def storefront(self, shop: str, language: str) -> StorefrontData:
        return await self._reader.read(shop, language)

    async def live_release(self, shop: str) -> int | None:
        return self.release

    async def releases(self, shop: str) -> list[Release]:
        return []

    async def chunks(self, shop: str, release: int) -> list[Chunk]:
        self.reads += 1
        return CHUNKS[shop]

    async def shops(self) -> list[str]:
        return list(BRANDS)
