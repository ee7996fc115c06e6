"""What the demo page shows of a shop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.errors import NoKnowledge, NotFound
from app.shop.brand import Brand
from app.web.picture import TINTS, shape_of, tint_of
from app.web.storefront import THEMES, pick_topics, product_cards, spread
from tests.e2e.shop_window import CHUNKS, ShopWindow, faq, product


async def test_variants_stand_on_one_card_with_the_lowest_price_and_what_they_share() -> None:
    jacket, socks = product_cards(CHUNKS["hills"], "£")
    assert (jacket.title, jacket.price, jacket.from_price, jacket.variants) == ("Ridge Jacket", "£189.00", True, 2)
    assert jacket.attributes == (("Material", "nylon"),)
    assert jacket.category == "Jackets"
    assert socks.price == "£14"


async def test_prices_are_compared_as_numbers_and_shown_as_written() -> None:
    cards = product_cards([product("Quilt", "Q1", "en", Price="1,299.00"), product("Quilt", "Q2", "en", Price="899")])
    assert cards[0].price == "899"


async def test_the_page_shows_every_category_before_a_second_of_any() -> None:
    chunks = [product(f"A{n}", f"a{n}", "en", Type="Boots") for n in range(5)] + [product("B", "b", "en", Type="Tea")]
    assert [card.title for card in spread(product_cards(chunks), 3)] == ["A0", "B", "A1"]


async def test_questions_that_are_not_valid_now_are_not_suggested() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    past = replace(faq("Black Friday?", "Sale", "en"), valid_until=now - timedelta(days=1))
    assert [topic.question for topic in pick_topics([past, faq("Delivery?", "D", "en")], "en", now)] == ["Delivery?"]


async def test_questions_in_the_language_of_the_page_come_alone_where_there_are_some() -> None:
    mixed = [faq("多久到？", "物流", "zh"), faq("How long?", "Delivery", "en")]
    now = datetime.now(UTC)
    assert [topic.question for topic in pick_topics(mixed, "en", now)] == ["How long?"]
    assert [topic.question for topic in pick_topics(mixed[:1], "en", now)] == ["多久到？"]


async def test_a_release_is_read_once() -> None:
    window = ShopWindow()
    await window.storefront("hills", "en")
    await window.storefront("hills", "zh")
    assert window.reads == 1
    window.release = 2
    assert (await window.storefront("hills", "en")).release == 2
    assert window.reads == 2


async def test_no_shop_named_is_the_first_one_in_its_own_language() -> None:
    page = await ShopWindow().storefront("", "")
    assert (page.shop, page.language, page.theme in THEMES) == ("hills", "en", True)
    assert [link.name for link in page.shops] == ["Hill & Hollow", "山下茶舍"]


async def test_a_page_in_the_other_language_begins_with_questions_in_that_language() -> None:
    window = ShopWindow()
    assert [topic.question for topic in (await window.storefront("teahouse", "zh")).starters] == ["多久能发货？"]
    assert (await window.storefront("teahouse", "en")).starters[0].question == "How much is the 明前龙井?"


async def test_an_unknown_shop_is_not_found() -> None:
    with pytest.raises(NotFound, match="Shops here: hills, teahouse"):
        await ShopWindow().storefront("nowhere", "en")


async def test_a_shop_without_a_release_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    window = ShopWindow()

    async def none_live(_: str) -> None:
        return None

    monkeypatch.setattr(window, "live_release", none_live)
    with pytest.raises(NoKnowledge, match="xiaoer releases publish"):
        await window.storefront("hills", "en")


@pytest.mark.parametrize(
    ("brand", "sign"),
    [
        (Brand("A", service_hours={"timezone": "Europe/London"}), "£"),
        (Brand("A", notes={"currency": "CHF "}, service_hours={"timezone": "Europe/Zurich"}), "CHF "),
        (Brand("A", service_hours={"timezone": "Pacific/Apia"}), ""),
    ],
)
async def test_a_currency_is_shown_only_where_it_is_known(brand: Brand, sign: str) -> None:
    assert brand.currency == sign


@pytest.mark.parametrize(
    ("name", "category", "shape"),
    [
        ("Ridgeline 3L Jacket", "Jackets", "jacket"),
        ("Glimmer 200 Head Torch", "Electronics", "lamp"),
        ("明前龙井", "茶", "tea"),
        ("Thing", "", "parcel"),
    ],
)
async def test_a_product_is_drawn_by_its_name_then_its_category(name: str, category: str, shape: str) -> None:
    assert shape_of(name, category) == shape
    assert 0 <= tint_of(name) < TINTS


async def test_a_price_that_holds_from_tomorrow_is_not_shown_today(monkeypatch: pytest.MonkeyPatch) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    sale = replace(product("Quilt", "Q1", "en", Price="499"), valid_from=tomorrow)
    monkeypatch.setitem(CHUNKS, "hills", [product("Quilt", "Q1", "en", Price="899"), sale])
    (card,) = (await ShopWindow().storefront("hills", "en")).products
    assert (card.price, card.variants) == ("£899", 1)
