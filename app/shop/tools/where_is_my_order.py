"""The shop tool "where is my order": needs the order number and the phone's last four digits.

"No such order" and "not your order" get the same reply, so that numbers can't be probed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.shop.orders import Order

_EVENTS = 3
"""Tracking events told, the latest first."""
_TEXTS = {
    "zh": {
        "status": "订单 {order}：{status}",
        "created": "下单时间：{time}",
        "shipped": "发货时间：{time}",
        "not_shipped": "发货时间：还没有发货记录",
        "carrier": "承运：{carrier}",
        "number": "运单号：{number}",
        "carrier_number": "承运：{carrier}，运单号：{number}",
        "latest": "最新物流（{time}）：{status}，{desc}",
        "before": "此前（{time}）：{status}，{desc}",
        "items": "商品：{items}",
        "separator": "、",
        "n.status": "状态",
        "n.latest": "最新物流",
        "n.carrier": "运单号",
        "n.shipped": "发货",
        "n.created": "下单",
        "n.items": "商品",
    },
    "en": {
        "status": "Order {order}: {status}",
        "created": "Placed: {time}",
        "shipped": "Shipped: {time}",
        "not_shipped": "Shipped: no shipping record yet",
        "carrier": "Carrier: {carrier}",
        "number": "Tracking number: {number}",
        "carrier_number": "Carrier: {carrier}, tracking number: {number}",
        "latest": "Latest tracking ({time}): {status} – {desc}",
        "before": "Before that ({time}): {status} – {desc}",
        "items": "Items: {items}",
        "separator": ", ",
        "n.status": "Status",
        "n.latest": "Latest",
        "n.carrier": "Tracking number",
        "n.shipped": "Shipped",
        "n.created": "Placed",
        "n.items": "Items",
    },
}


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line about an order, and the value of the order it rests on, as the shop wrote it. `name` is what the
    value is called on a card; "" for one that is on none."""

    text: str
    value: str
    name: str = ""


def report_order(order: Order, language: str, product_names: Mapping[str, str]) -> tuple[OrderLine, ...]:
    """The order in the shopper's language: where it is, who brings it, what is in it, its dates. Values are byte for
    byte as the shop wrote them."""
    texts = _TEXTS["zh" if language == "zh" else "en"]
    told = sorted(order.tracking, key=lambda e: e.time, reverse=True)[:_EVENTS]
    items = texts["separator"].join(f"{product_names.get(i.sku.casefold(), i.sku)} ×{i.qty}" for i in order.items)
    said: list[OrderLine] = []

    def say(key: str, value: str, name: str = "", **values: str) -> None:
        said.append(OrderLine(texts[key].format(**values), value, texts.get(f"n.{name or key}", "")))

    say("status", order.status, order=order.order_id, status=order.status)
    for key, event in zip(("latest", *["before"] * _EVENTS), told, strict=False):
        say(key, event.desc, time=_time(event.time), status=event.status, desc=event.desc)
    if order.carrier or order.tracking_no:
        key = "carrier_number" if order.carrier and order.tracking_no else "carrier" if order.carrier else "number"
        say(key, order.tracking_no, "carrier", carrier=order.carrier, number=order.tracking_no)
    if items:
        say("items", ", ".join(i.sku for i in order.items), items=items)
    if order.shipped_at:
        say("shipped", order.shipped_at, time=_time(order.shipped_at))
    else:
        say("not_shipped", order.status, "none")
    if order.created_at:
        say("created", order.created_at, time=_time(order.created_at))
    return tuple(said)


def _time(written: str) -> str:
    """`2026-10-18T18:40:00+08:00` read as `2026-10-18 18:40`; anything else as the shop wrote it."""
    return written.replace("T", " ")[:16] if len(written) >= 16 and written[4:5] == "-" else written
