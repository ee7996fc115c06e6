"""The order book in a JSONL file (`orders.jsonl` of the contract), read again when the file changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from app.shop.orders import Order, OrderItem, TrackingEvent

log = structlog.get_logger(__name__)
_LEAST_DIGITS = 5
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class _Book:
    stamp: tuple[int, ...]
    orders: Mapping[str, Order]
    shapes: frozenset[str]


class FileOrderBook:
    """Orders of every shop, each from the file `locate(shop)` names. A shop without a file has no orders.

    `orders.source.json` beside it says where in the shop's own folder the file lay: `{"path": "shop/orders.jsonl"}`.
    """

    def __init__(self, locate: Callable[[str], Path]) -> None:
        self._locate = locate
        self._books: dict[str, _Book] = {}

    async def find(self, shop: str, order_id: str, phone_last4: str) -> Order | None:
        """The order when number and phone tail belong together, else None."""
        orders = self._book(shop).orders
        order = orders.get(_key(order_id)) or _by_digits(orders, order_id)
        return order if order and phone_last4 and order.phone_last4 == phone_last4 else None

    def looks_like_order_number(self, shop: str, text: str) -> bool:
        """Same letters and about as many digits as this shop's order numbers."""
        book = self._book(shop)
        return _key(text) in book.orders or bool(_shapes(text) & book.shapes) or bool(_by_digits(book.orders, text))

    def _book(self, shop: str) -> _Book:
        path = self._locate(shop)
        note = path.with_suffix(".source.json")
        stamp = (*_stamp(path), *_stamp(note))
        if not _stamp(path):
            return _Book((), {}, frozenset())
        book = self._books.get(shop)
        if book is None or book.stamp != stamp:
            orders = {_key(order.order_id): order for order in read_orders(path, _laid_at(note) or path.name)}
            shapes = frozenset(_shape(order.order_id) for order in orders.values())
            book = self._books[shop] = _Book(stamp, orders, shapes)
        return book


def read_orders(path: Path, cited: str = "orders.jsonl") -> Iterator[Order]:
    """Orders of a file, broken lines left out and logged by number (never by content); `cited` is what they name."""
    # Only "\n" ends a line of JSONL: a description may hold other line separators as they are.
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield _order(json.loads(line), cited)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            log.warning("order.unreadable", line=number, problem=type(problem).__name__)


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes with the file; empty when it is not there."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size


def _laid_at(note: Path) -> str:
    try:
        path = json.loads(note.read_text(encoding="utf-8"))["path"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return path if isinstance(path, str) else ""


def _order(row: Mapping[str, Any], cited: str) -> Order:
    def text(name: str) -> str:
        return str(row.get(name) or "")

    return Order(
        order_id=str(row["order_id"]),
        phone_last4=str(row["phone_last4"]).zfill(4),
        customer_id=text("customer_id"),
        status=text("status"),
        created_at=text("created_at"),
        shipped_at=text("shipped_at"),
        carrier=text("carrier"),
        tracking_no=text("tracking_no"),
        tracking=tuple(
            TrackingEvent(str(e.get("time") or ""), str(e.get("status") or ""), str(e.get("desc") or ""))
            for e in row.get("tracking") or ()
        ),
        items=tuple(
            OrderItem(str(i.get("sku") or ""), int(i.get("qty") or 1), str(i.get("price") or ""))
            for i in row.get("items") or ()
        ),
        address_city=text("address_city"),
        path=cited,
    )


def _by_digits(orders: Mapping[str, Order], text: str) -> Order | None:
    """The one order whose number ends in these digits: shoppers leave the letters in front out ("#10239")."""
    digits = _key(text)
    if not digits.isdigit() or len(digits) < _LEAST_DIGITS:
        return None
    found = [order for key, order in orders.items() if key.endswith(digits) and not key[: -len(digits)].isdigit()]
    return found[0] if len(found) == 1 else None


def _key(order_id: str) -> str:
    return re.sub(r"[\s_-]", "", order_id).casefold()


def _shape(order_id: str) -> str:
    return _DIGITS.sub(lambda m: f"<{len(m[0])}>", _key(order_id))


def _shapes(text: str) -> set[str]:
    """The text's own shape, and those with one digit more or less: shoppers mistype."""
    key = _key(text)
    return {_DIGITS.sub(lambda m, by=by: f"<{len(m[0]) + by}>", key) for by in (-1, 0, 1)}  # type: ignore[misc]
