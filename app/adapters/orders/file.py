"""The order book in a JSONL file (`orders.jsonl` of the contract), read again when the file changes."""

from __future__ import annotations

import hmac
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from app.shop.orders import Order, OrderItem, TrackingEvent

log = structlog.get_logger(__name__)
_LEAST_DIGITS = 5
_DIGITS = re.compile(r"\d+")
_LAST_DIGITS = re.compile(r"\d*$")
_NO_ORDER = re.compile(r"1[3-9]\d{9}|0\d{9,10}|20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
"""A phone's number, or a day"""


@dataclass(frozen=True)
class _Book:
    """One shop's orders. `by_end`: the last five characters of a number → the orders that end so."""

    stamp: tuple[int, ...] = ()
    orders: Mapping[str, Order] = field(default_factory=dict)
    shapes: frozenset[str] = frozenset()
    by_end: Mapping[str, Sequence[Order]] = field(default_factory=dict)
    by_customer: Mapping[str, Sequence[Order]] = field(default_factory=dict)
    most_digits: int = 0
    """digits that stand at the end of a number, at most, where letters stand in front"""


class FileOrderBook:
    """Orders of every shop, each from the file `locate(shop)` names. A shop without a file has no orders.

    `orders.source.json` beside it says where in the shop's own folder the file lay: `{"path": "shop/orders.jsonl"}`.
    """

    def __init__(self, locate: Callable[[str], Path]) -> None:
        self._locate = locate
        self._books: dict[str, _Book] = {}

    async def find(self, shop: str, order_id: str, phone_last4: str, customer_id: str = "") -> Order | None:
        """The order when number and phone tail, or number and customer belong together, else None."""
        book = self._book(shop)
        # Both ways are always gone, and a tail is always compared: how long it takes tells nobody what there is.
        named, ended = book.orders.get(_key(order_id)), _by_digits(book, order_id)
        order = named or ended
        fits = bool(phone_last4) & _same(order.phone_last4 if order else "none", phone_last4)
        owns = bool(customer_id) & _same(order.customer_id if order else "", customer_id)
        return order if order and (fits or owns) else None

    async def of_customer(self, shop: str, customer_id: str) -> Sequence[Order]:
        """The customer's orders, the newest first."""
        return self._book(shop).by_customer.get(customer_id, ()) if customer_id else ()

    def looks_like_order_number(self, shop: str, text: str) -> bool:
        """Same letters and about as many digits as this shop's order numbers, or the digits at their end.

        Whether there is such an order makes no difference: else asking would tell."""
        book = self._book(shop)
        digits = _key(text)
        if digits.isdigit() and _LEAST_DIGITS <= len(digits) <= book.most_digits and not _NO_ORDER.fullmatch(digits):
            return True
        return bool(_shapes(text) & book.shapes)

    def _book(self, shop: str) -> _Book:
        path = self._locate(shop)
        note = path.with_suffix(".source.json")
        stamp = (*_stamp(path), *_stamp(note))
        if not _stamp(path):
            return _Book()
        book = self._books.get(shop)
        if book is None or book.stamp != stamp:
            book = self._books[shop] = _book_of(stamp, read_orders(path, _laid_at(note) or path.name))
        return book


def _book_of(stamp: tuple[int, ...], read: Iterator[Order]) -> _Book:
    orders = {_key(order.order_id): order for order in read}
    by_end, by_customer = defaultdict[str, list[Order]](list), defaultdict[str, list[Order]](list)
    for key, order in orders.items():
        by_end[key[-_LEAST_DIGITS:]].append(order)
        if order.customer_id:
            by_customer[order.customer_id].append(order)
    for own in by_customer.values():
        own.sort(key=lambda order: order.created_at, reverse=True)
    ends = [len(end[0]) for key in orders if not key.isdigit() and (end := _LAST_DIGITS.search(key))]
    shapes = frozenset(_shape(order.order_id) for order in orders.values())
    return _Book(stamp, orders, shapes, dict(by_end), dict(by_customer), max(ends, default=0))


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


def _same(kept: str, given: str) -> bool:
    return hmac.compare_digest(kept.encode(), given.encode())


def _by_digits(book: _Book, text: str) -> Order | None:
    """The one order whose number ends in these digits: shoppers leave the letters in front out ("#10239")."""
    digits = _key(text)
    if not digits.isdigit() or len(digits) < _LEAST_DIGITS:
        return None
    alike = book.by_end.get(digits[-_LEAST_DIGITS:], ())
    keys = [(order, _key(order.order_id)) for order in alike]
    found = [order for order, key in keys if key.endswith(digits) and not key[: -len(digits)].isdigit()]
    return found[0] if len(found) == 1 else None


def _key(order_id: str) -> str:
    return re.sub(r"[\s_-]", "", order_id).casefold()


def _shape(order_id: str) -> str:
    return _DIGITS.sub(lambda m: f"<{len(m[0])}>", _key(order_id))


def _shapes(text: str) -> set[str]:
    """The text's own shape, and those with one digit more or less: shoppers mistype."""
    key = _key(text)
    return {_DIGITS.sub(lambda m, by=by: f"<{len(m[0]) + by}>", key) for by in (-1, 0, 1)}  # type: ignore[misc]
