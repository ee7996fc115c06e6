"""What the checks before a publish found: each with its place, how grave it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple


class Severity(StrEnum):
    """A finding that blocks keeps a release from going live; one that warns is there to be read."""

    BLOCKS = "blocks"
    WARNS = "warns"


class Words(NamedTuple):
    """One text in both languages of the console."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an editor should look at.

    check     the name of the check, as its file is named
    path      relative to the shop folder; `locator` names the place in it as citations do
    row       what a spreadsheet shows beside the row; None where there are no rows
    message   what is the matter; `fix` what to do about it
    other     the other side of a contradiction, as "path · locator"; "" when there is none
    known     whether the live release has it already: then it never keeps a publish back
    """

    check: str
    severity: Severity
    path: str
    locator: str
    message: Words
    fix: Words
    row: int | None = None
    other: str = ""
    known: bool = False

    @property
    def blocks(self) -> bool:
        """Whether it keeps the release from going live."""
        return self.severity is Severity.BLOCKS and not self.known

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """The same for the same finding in another release: row numbers, which move, are left out."""
        return self.check, self.path, plain_locator(self.locator), self.message.en

    def as_json(self) -> dict[str, Any]:
        """The finding as plain values."""
        return {
            "check": self.check,
            "severity": self.severity.value,
            "blocks": self.blocks,
            "known": self.known,
            "path": self.path,
            "row": self.row,
            "locator": self.locator,
            "message": self.message._asdict(),
            "fix": self.fix._asdict(),
            "other": self.other,
        }


def finding_of(told: Mapping[str, Any]) -> Finding:
    """The finding that `as_json` told."""
    return Finding(
        check=told["check"],
        severity=Severity(told["severity"]),
        path=told["path"],
        locator=told["locator"],
        message=Words(**told["message"]),
        fix=Words(**told["fix"]),
        row=told["row"],
        other=told["other"],
        known=told["known"],
    )


def marked_known(findings: Iterable[Finding], before: Iterable[Finding]) -> list[Finding]:
    """The findings, those that the live release has too marked as known."""
    seen = {finding.identity for finding in before}
    return [replace(f, known=True) if f.identity in seen else f for f in findings]


def plain_locator(locator: str) -> str:
    """A locator without its row number: `row 4 | Free shipping?` is about the same row as `row 7 | Free shipping?`."""
    return locator.partition(" | ")[2] or locator


def row_of(locator: str) -> int | None:
    """The row a locator names, if it names one."""
    number = locator.partition(" | ")[0].rpartition("row ")[2]
    return int(number) if number.isdigit() and "row " in locator else None
