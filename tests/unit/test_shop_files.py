"""The order book as ingestion keeps it."""

from __future__ import annotations

import json
from pathlib import Path

from ingestion.shop_files import ShopFiles
from ingestion.sources.folder import ShopFolder


def test_a_line_separator_inside_a_text_does_not_cut_the_order(tmp_path: Path) -> None:
    line = json.dumps({"order_id": "TC1", "phone_last4": "4821", "carrier": "A\u2028B\x85C"}, ensure_ascii=False)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.jsonl").write_bytes(f"{line}\r\n{line}\n".encode())
    kept = ShopFiles(tmp_path / "home", "tea").read_orders(ShopFolder(tmp_path / "shop", (), (), (), True, ""))
    assert kept.text is not None
    assert [json.loads(one)["carrier"] for one in kept.text.split("\n") if one.strip()] == ["A\u2028B\x85C"] * 2
    assert kept.report.skipped == []
