"""What is said about an order: in the shopper's language, with the shop's own values byte for byte."""

from __future__ import annotations

import pytest

from app.shop.orders import OrderItem, TrackingEvent
from app.shop.tools.where_is_my_order import report_order
from tests.builders import an_order


def said(language: str = "en", names: dict[str, str] | None = None, **fields: object) -> str:
    return "\n".join(line.text for line in report_order(an_order(**fields), language, names or {}))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_value_is_said_as_the_shop_wrote_it(language: str) -> None:
    text = said(language, status="On its way!", carrier="顺丰 SF", tracking_no="SF 99-1")
    for value in ("TC20260001", "On its way!", "顺丰 SF", "SF 99-1", "Left the depot.", "2026-04-29 10:30"):
        assert value in text


def test_each_line_rests_on_a_value_of_the_order() -> None:
    order = an_order()
    values = {order.status, "Left the depot.", "RM123", order.shipped_at, order.created_at, "TP-100"}
    assert {line.value for line in report_order(order, "en", {})} == values


def test_the_three_latest_tracking_events_are_told_newest_first_whatever_their_order() -> None:
    events = (
        TrackingEvent("2026-05-02T08:00:00", "delivered", "Signed for."),
        TrackingEvent("2026-04-28T08:00:00", "accepted", "Picked up."),
        TrackingEvent("2026-04-30T08:00:00", "in transit", "Left the depot."),
        TrackingEvent("2026-05-01T08:00:00", "in transit", "Reached town."),
    )
    text = said(tracking=events)
    assert text.index("Signed for") < text.index("Reached town") < text.index("Left the depot")
    assert "Picked up" not in text


def test_an_unshipped_order_promises_nothing() -> None:
    text = said(shipped_at="", carrier="", tracking_no="", tracking=(), status="paid")
    assert "no shipping record" in text
    assert "Carrier" not in text
    assert "Latest" not in text


def test_items_are_named_by_product_where_the_shop_knows_them_else_by_sku() -> None:
    items = (OrderItem("TP-100", 2, "64"), OrderItem("X-9", 1, "1"))
    text = said(items=items, names={"tp-100": "Clay Teapot"})
    assert "Clay Teapot ×2, X-9 ×1" in text


def test_an_order_with_nothing_but_its_status_is_still_told() -> None:
    text = said(created_at="", shipped_at="", carrier="", tracking_no="", tracking=(), items=(), status="paid")
    assert text == "Order TC20260001: paid\nShipped: no shipping record yet"


def test_a_carrier_without_a_number_and_a_number_without_a_carrier_leave_no_gap() -> None:
    assert "\nCarrier: Royal Mail\n" in said(tracking_no="")
    assert "\nTracking number: RM123\n" in said(carrier="")
    assert "\n运单号：RM123\n" in said("zh", carrier="")


def test_a_time_written_the_shops_own_way_is_left_alone() -> None:
    assert "last Monday at noon, roughly" in said(created_at="last Monday at noon, roughly")
    assert "4月29日上午10点半前后发出的" in said("zh", shipped_at="4月29日上午10点半前后发出的")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_who_lives_where_and_the_phone_are_never_said(language: str) -> None:
    text = said(language)
    assert "4821" not in text
    assert "Leeds" not in text
