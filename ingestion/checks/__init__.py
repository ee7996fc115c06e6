"""Checks before a publish: one pure function a file, from a release and the live one to findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from app.knowledge.finding import Finding, marked_known, plain_locator, row_of
from ingestion.checks.changed_values import changed_values
from ingestion.checks.contradictions import contradictions
from ingestion.checks.dates_in_force import dates_in_force
from ingestion.checks.forbidden_words import forbidden_words
from ingestion.checks.losses import losses
from ingestion.checks.material import Check, Material
from ingestion.checks.missing_answers import missing_answers
from ingestion.checks.near_duplicates import near_duplicates
from ingestion.checks.planted_orders import planted_orders
from ingestion.checks.policy_figures import policy_figures
from ingestion.checks.prices import prices
from ingestion.checks.related_links import related_links

CHECKS: tuple[Check, ...] = (
    contradictions,
    changed_values,
    policy_figures,
    missing_answers,
    prices,
    forbidden_words,
    planted_orders,
    losses,
    dates_in_force,
    related_links,
    near_duplicates,
)


MOST_WARNINGS = 500
"""Of one check. Nobody reads more, and a release's findings are one row in the database."""

INHERITED = frozenset({"planted_orders"})
"""Checks that read only what is new: reading everything takes seconds in a large shop."""


def run_checks(
    material: Material, known: Sequence[Finding] = (), inherited: Sequence[Finding] | None = None
) -> list[Finding]:
    """All findings, the gravest first.

    known      findings that keep nothing back, since the live release has them too
    inherited  all that was found in the live release; None = the same
    """
    found = [finding for check in CHECKS for finding in _few(check(material))]
    found += _inherited(material, known if inherited is None else inherited)
    found = list({(f.identity, f.other): f for f in found}.values())
    return sorted(marked_known(found, known), key=lambda f: (not f.blocks, f.known))


def _few(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Everything that blocks, and the first warnings."""
    warned = 0
    for finding in findings:
        warned += not finding.blocks
        if finding.blocks or warned <= MOST_WARNINGS:
            yield finding


def _inherited(material: Material, before: Sequence[Finding]) -> Iterator[Finding]:
    for finding in before:
        chunk = material.standing.get((finding.path, plain_locator(finding.locator)))
        if finding.check in INHERITED and chunk is not None:
            yield replace(finding, locator=chunk.locator, row=row_of(chunk.locator), known=False)
