"""The files that are kept beside a shop's knowledge, under home."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from app.errors import NotFound
from app.shop.brand import Brand, brand_of


class ShopFiles(Mapping[str, Brand]):
    """The files of each shop that are kept beside its knowledge: its brand and its orders. Maps shop → brand."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._brands: dict[str, tuple[int, Brand]] = {}

    def __call__(self, shop: str) -> Brand:
        """The shop's brand, read again when its file changes. Raises NotFound for a shop we do not have."""
        path = f"{self._home}/shops/{shop}/brand.yaml"
        try:
            changed = os.stat(path).st_mtime_ns
        except (OSError, ValueError) as problem:
            raise NotFound(
                f"There is no shop named {shop!r} here. `xiaoer ingest FOLDER --shop {shop}` makes one."
            ) from problem
        kept = self._brands.get(shop)
        if kept is None or kept[0] != changed:
            raw = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
            kept = self._brands[shop] = (changed, brand_of(raw if isinstance(raw, dict) else {}, shop))
        return kept[1]

    def __getitem__(self, shop: str) -> Brand:
        try:
            return self(shop)
        except NotFound as problem:
            raise KeyError(shop) from problem

    def __iter__(self) -> Iterator[str]:
        return (path.parent.name for path in sorted(self._home.glob("shops/*/brand.yaml")))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def orders(self, shop: str) -> Path:
        """Where the shop's order book lies."""
        return self._home / "shops" / shop / "orders.jsonl"
