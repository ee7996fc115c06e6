"""Checks before a publish: one pure function a file, from a release and the live one to findings."""

from __future__ import annotations

from app.knowledge.finding import Finding, marked_known
from ingestion.checks.changed_values import changed_values
from ingestion.checks.contradictions import contradictions
from ingestion.checks.dates_in_force import dates_in_force
from ingestion.checks.forbidden_words import forbidden_words
from ingestion.checks.losses import losses
from ingestion.checks.material import Check, Material
from ingestion.checks.missing_answers import missing_answers
from ingestion.checks.near_duplicates import near_duplicates
from ingestion.checks.planted_orders import planted_orders
from ingestion.checks.prices import prices
from ingestion.checks.related_links import related_links

CHECKS: tuple[Check, ...] = (
    contradictions,
    changed_values,
    missing_answers,
    prices,
    forbidden_words,
    planted_orders,
    losses,
    dates_in_force,
    related_links,
    near_duplicates,
)


def run_checks(material: Material, before: list[Finding] | None = None) -> list[Finding]:
    """All findings, the gravest first. Those among `before`, the live release's own, keep nothing back."""
    found = [finding for check in CHECKS for finding in check(material)]
    found = list({(f.identity, f.other): f for f in found}.values())
    return sorted(marked_known(found, before or ()), key=lambda f: (not f.blocks, f.known))
