"""The files that are kept beside the knowledge: the brand and the order book, each replaced in one move."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from app.errors import BadInput, Conflict
from ingestion.converted import SkippedRow
from ingestion.report import FileReport
from ingestion.sources.folder import SUITE, ShopFolder
from ingestion.text import decode

DEFAULT_ZONE = "Asia/Shanghai"
MAX_BRAND_BYTES = 1024 * 1024
_FILE_BRAND = "brand.file.yaml"
"""The brand as its file has it; brand.yaml beside it is the one that holds, with what editors changed."""
MAX_ORDERS_BYTES = 500 * 1024 * 1024


@dataclass(slots=True)
class KeptFile:
    """A file as it will be kept; `text` is None when the one kept before stays. `path` is where the shop has it.

    `effective` is what holds in its place, where editors changed it in the console.
    """

    text: str | None
    raw: dict[str, Any] = field(default_factory=dict)
    report: FileReport = field(default_factory=lambda: FileReport(""))
    path: str = ""
    effective: str | None = None


@contextmanager
def only_one_job(home: Path, shop: str) -> Iterator[None]:
    """Hold the shop's ingestion lock; the system frees it however the process ends. Raises Conflict when taken."""
    folder = home / "shops" / shop
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "ingest.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(f"another ingest of {shop} is running; wait for it, then run this one again") from None
        yield


class ShopFiles:
    """Brand and orders of one shop under `<home>/shops/<shop>/`."""

    def __init__(self, home: Path, shop: str) -> None:
        self._folder = home / "shops" / shop
        self._shop = shop
        self.zone: tzinfo = ZoneInfo(DEFAULT_ZONE)

    def read_brand(self, folder: ShopFolder | None) -> KeptFile:
        """The brand in the folder, else the one kept before, else just the shop's name. Sets the shop's time zone."""
        kept = self._kept_brand()
        brand = KeptFile(None, kept, FileReport("brand.yaml"))
        if folder and folder.brand.is_file():
            try:
                text = self._read(folder.brand, MAX_BRAND_BYTES)
                raw = _yaml_mapping(text)
                brand = KeptFile(text, raw, FileReport("brand.yaml"))
            except BadInput as error:
                brand.report.error = f"{error}; the brand stays as it was"
        if not brand.raw:
            brand.raw = {"name": self._shop}
            brand.text = self._name_only()
        self._set_zone(brand)
        return brand

    def read_orders(self, folder: ShopFolder | None) -> KeptFile:
        """The order book in the folder, in UTF-8, with lines that are no orders left out; else the one kept before."""
        source = folder.orders if folder else None
        path = source.relative_to(folder.root).as_posix() if folder and source else ""
        if folder is None or source is None or not (folder.whole or folder.prefix == path):
            return KeptFile(None)
        orders = KeptFile(None, report=FileReport(path), path=path)
        try:
            lines = self._read(source, MAX_ORDERS_BYTES).removeprefix("\ufeff").split("\n")
        except BadInput as error:
            orders.report.error = f"{error}; the order book stays as it was"
            return orders
        good: list[str] = []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            if reason := _order_problem(line):
                orders.report.skipped.append(SkippedRow(number, reason))
            else:
                good.append(line)
        orders.text = "".join(f"{line}\n" for line in good)
        return orders

    def write(self, brand: KeptFile, orders: KeptFile) -> None:
        """Put both in place, each atomically."""
        # Citations name the order book as it lies in the shop's own folder, not the copy of it that is kept here.
        note = json.dumps({"path": orders.path}, ensure_ascii=False) if orders.text is not None else None
        texts = {_FILE_BRAND: brand.text, "orders.source.json": note, "orders.jsonl": orders.text}
        for name, text in texts.items():
            if text is not None:
                self._write_one(self._folder / name, text)
        self.write_effective_brand(brand.effective)

    def take_suite(self, folder: ShopFolder | None) -> None:
        """Keep the folder's suite as the shop's; where the folder has none, the one kept before stays."""
        if folder and (suite := folder.suite):
            self._write_one(self._folder / SUITE, self._read(suite, MAX_ORDERS_BYTES))

    def file_brand(self) -> dict[str, Any]:
        """The brand as its file had it when it was last read, else just the shop's name."""
        return self._kept_brand() or {"name": self._shop}

    def brand_in_effect(self) -> str:
        """The text of the brand that holds; "" where there is none yet."""
        kept = self._folder / "brand.yaml"
        return kept.read_text(encoding="utf-8") if kept.is_file() else ""

    def write_effective_brand(self, text: str | None) -> None:
        """Put the brand that holds in place: this text, or the file's own for None."""
        own = self._folder / _FILE_BRAND
        if not own.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            kept = self._folder / "brand.yaml"
            self._write_one(own, kept.read_text(encoding="utf-8") if kept.is_file() else self._name_only())
        self._write_one(self._folder / "brand.yaml", own.read_text(encoding="utf-8") if text is None else text)

    def _name_only(self) -> str:
        return yaml.safe_dump({"name": self._shop}, allow_unicode=True)

    @staticmethod
    def _write_one(target: Path, text: str) -> None:
        if target.is_file() and target.read_text(encoding="utf-8") == text:
            return
        fresh = target.with_name(f"{target.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)

    def kept_zone(self) -> tzinfo:
        """The time zone of the brand that is kept."""
        self._set_zone(KeptFile(None, self._kept_brand()))
        return self.zone

    def _kept_brand(self) -> dict[str, Any]:
        kept = self._folder / _FILE_BRAND
        if not kept.is_file():
            kept = self._folder / "brand.yaml"
        if not kept.is_file():
            return {}
        try:
            return _yaml_mapping(kept.read_text(encoding="utf-8"))
        except BadInput:
            return {}

    def _set_zone(self, brand: KeptFile) -> None:
        hours = brand.raw.get("service_hours")
        name = str(hours.get("timezone") or DEFAULT_ZONE) if isinstance(hours, dict) else DEFAULT_ZONE
        try:
            self.zone = ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            brand.report.warnings.append(f"{name!r} is no time zone; days are counted in {DEFAULT_ZONE}")

    @staticmethod
    def _read(file: Path, limit: int) -> str:
        if file.stat().st_size > limit:
            raise BadInput(f"the file is larger than {limit // 1024**2} MB")
        return decode(file.read_bytes())


def _yaml_mapping(text: str) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(text)
        json.dumps(raw, default=str)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" near line {where.line + 1}" if where else ""
        raise BadInput(f"it is not valid YAML{line}") from None
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise BadInput("it must hold `key: value` lines")
    plain: dict[str, Any] = json.loads(json.dumps({str(k): v for k, v in raw.items()}, default=str))
    return plain


def _order_problem(line: str) -> str:
    try:
        order = json.loads(line)
    except (ValueError, RecursionError):
        return "not valid JSON"
    if not isinstance(order, dict) or not order.get("order_id"):
        return "no order_id"
    return "" if order.get("phone_last4") else "no phone_last4: nobody could ask for it"
