"""What is known of a release before it goes live: the findings of the checks, and how it fared in the shop's suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from app.knowledge.finding import Finding, Words, finding_of


@dataclass(frozen=True, slots=True)
class SuiteVerdict:
    """The shop's suite, run on the staged release and on the live one through the same pipeline.

    right, live_right  how many of the `n` questions were answered right; `live_right` None = nothing is live
    p_value            of the paired test that the staged release is no worse; None = nothing to compare with
    worse, better      ids of the questions that went from right to not right, and back
    failed_must_pass   ids of the questions that have to be right and are not
    reasons            why the release is held back; empty = it may go live
    flips              each question that went wrong: id, question, what is said now, why that is not right
    """

    suite: str
    n: int
    right: int
    live_right: int | None = None
    p_value: float | None = None
    worse: tuple[str, ...] = ()
    better: tuple[str, ...] = ()
    failed_must_pass: tuple[str, ...] = ()
    reasons: tuple[Words, ...] = ()
    flips: tuple[Mapping[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The verdict as plain values."""
        return {
            "suite": self.suite,
            "n": self.n,
            "right": self.right,
            "live_right": self.live_right,
            "p_value": self.p_value,
            "worse": list(self.worse),
            "better": list(self.better),
            "failed_must_pass": list(self.failed_must_pass),
            "reasons": [reason._asdict() for reason in self.reasons],
            "flips": [dict(flip) for flip in self.flips],
        }


@dataclass(frozen=True, slots=True)
class Inspection:
    """One release, looked at before it goes live.

    against   the live release it was compared with; None = there was none, and then findings keep nothing back
    forced    why it was published all the same; "" = it was not
    """

    release: int
    against: int | None
    checked_at: datetime
    findings: Sequence[Finding] = ()
    suite: SuiteVerdict | None = None
    forced: str = ""

    @property
    def reasons(self) -> list[Words]:
        """What keeps the release from going live."""
        blocking = [f for f in self.findings if f.blocks] if self.against is not None else []
        told = [Words(f"{_where(f)}{f.message.zh}", f"{_where(f)}{f.message.en}") for f in blocking]
        return [*told, *(self.suite.reasons if self.suite else ())]

    @property
    def counts(self) -> dict[str, int]:
        """How many findings block, warn, and were there before."""
        new = [f for f in self.findings if not f.known]
        blocks = sum(f.blocks for f in new)
        return {"blocks": blocks, "warns": len(new) - blocks, "known": len(self.findings) - len(new)}

    def as_json(self) -> dict[str, Any]:
        """The inspection as plain values."""
        return {
            "release": self.release,
            "against": self.against,
            "checked_at": self.checked_at.isoformat(),
            "counts": self.counts,
            "held_back": bool(self.reasons) and not self.forced,
            "reasons": [reason._asdict() for reason in self.reasons],
            "forced": self.forced,
            "findings": [finding.as_json() for finding in self.findings],
            "suite": self.suite.as_json() if self.suite else None,
        }


class ReleaseGate(Protocol):
    """Runs the shop's suite on a staged release: through the production pipeline, compared with the live one."""

    async def judge(self, shop: str, release: int, live: int | None) -> SuiteVerdict | None:
        """The verdict; None when the shop has no suite. Raises BadInput for a suite that cannot be read."""


async def judged(
    gate: ReleaseGate | None, shop: str, inspection: Inspection, live: int | None, force: str = ""
) -> Inspection:
    """The inspection with what the gate says of the release, and with why it is forced where that is needed."""
    found = replace(inspection, suite=await gate.judge(shop, inspection.release, live) if gate else None)
    return replace(found, forced=force) if force and found.reasons else found


def inspection_of(told: Mapping[str, Any]) -> Inspection:
    """The inspection that `as_json` told."""
    suite = told.get("suite")
    return Inspection(
        release=told["release"],
        against=told["against"],
        checked_at=datetime.fromisoformat(told["checked_at"]),
        findings=[finding_of(finding) for finding in told["findings"]],
        suite=_verdict_of(suite) if suite else None,
        forced=told["forced"],
    )


def _verdict_of(told: Mapping[str, Any]) -> SuiteVerdict:
    lists = ("worse", "better", "failed_must_pass", "flips")
    fields = {**told, **{name: tuple(told[name]) for name in lists}}
    return SuiteVerdict(**{**fields, "reasons": tuple(Words(**reason) for reason in told["reasons"])})


def _where(finding: Finding) -> str:
    row = f":{finding.row}" if finding.row else f" · {finding.locator}" if finding.locator else ""
    return f"{finding.path}{row}: " if finding.path else ""
