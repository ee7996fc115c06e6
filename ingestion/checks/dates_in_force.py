"""Rows that no shopper will ever see: expired, or ending before they begin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from app.knowledge.finding import Finding, Severity, Words, row_of
from ingestion.checks.material import Material
from ingestion.checks.texts import quoted

CHECK = "dates_in_force"


def dates_in_force(material: Material) -> Iterator[Finding]:
    """Chunks whose last day is over, and rows that were left out because of their dates."""
    for chunk in material.chunks:
        if chunk.valid_until and chunk.valid_until <= material.now:
            # The end is the first moment that no longer counts: midnight after the last day.
            day = (chunk.valid_until - timedelta(seconds=1)).astimezone(material.zone).date().isoformat()
            yield Finding(
                CHECK,
                Severity.WARNS,
                chunk.path,
                chunk.locator,
                Words(
                    f"“{quoted(chunk.title)}”的最后一天是 {day}",
                    f"“{quoted(chunk.title)}” held until {day} and is over",
                ),
                Words("删去这一行，或改失效日期", "Remove it, or give it a later end date"),
                row_of(chunk.locator),
            )
    for row in material.left_out:
        if row.code == "never_valid":
            yield Finding(
                CHECK,
                Severity.WARNS,
                row.path,
                f"row {row.row}" + (f" | {row.subject}" if row.subject else ""),
                Words("失效日期早于生效日期，这一行永远不会生效", "It ends before it starts, so it will never hold"),
                Words("对调两个日期", "Exchange the two dates"),
                row.row,
            )
