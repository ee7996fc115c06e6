"""An FAQ answer against the policies: sentences that say the same but for a figure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.finding import Finding, Severity, Words, row_of
from ingestion.checks.compared import clauses, plain_sentences
from ingestion.checks.material import Material
from ingestion.checks.texts import clash, content_words, hard_values, likeness, negations, place, quoted

CHECK = "policy_figures"
ALIKE = 0.6
"""Two statements that share so many of their words, figures and units left out, state the same rule…"""
SHARED = 3
"""… if they are so many: of fewer it can't be told."""
Statement: TypeAlias = tuple[Chunk, str, frozenset[str]]


def policy_figures(material: Material) -> Iterator[Finding]:
    """Dated texts are left out: a campaign's figure is meant to differ. Told for looking at, never blocking: two
    rules may read alike and hold for different cases."""
    if not material.rows:
        return
    statements = [s for chunk in material.chunks if _binds_always(chunk) for s in _statements(chunk)]
    policies: dict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        if statement[0].kind is Kind.POLICY:
            for word in statement[2]:
                policies[word].append(statement)
    for row in (s for s in statements if s[0].kind is Kind.FAQ):
        near = {(s[0].chunk_id, s[1]): s for word in row[2] for s in policies.get(word, ())}
        told: set[str] = set()
        for policy in near.values():
            values = clash(row[1], policy[1]) if _same_rule(row, policy) else None
            if values and policy[0].chunk_id not in told:
                told.add(policy[0].chunk_id)
                yield _finding(row[0], row[1], policy[0], policy[1], values)


def _same_rule(row: Statement, policy: Statement) -> bool:
    shared = len(row[2] & policy[2])
    return (
        shared >= SHARED
        and likeness(row[2], policy[2]) >= ALIKE
        and negations(row[1]) == negations(policy[1])
        and not _agree(row, policy)
    )


def _binds_always(chunk: Chunk) -> bool:
    return chunk.kind is not Kind.PRODUCT and chunk.valid_from is None and chunk.valid_until is None


def _statements(chunk: Chunk) -> Iterator[Statement]:
    """Each clause that states a figure, with the words it is about."""
    for sentence in plain_sentences(chunk):
        for clause in clauses(sentence):
            if hard_values(clause):
                yield chunk, clause, content_words(clause)


def _agree(row: Statement, policy: Statement) -> bool:
    """Whether either text states the other's figures anywhere: then it distinguishes cases."""
    return _within(row[1], policy[0].text) or _within(policy[1], row[0].text)


def _within(clause: str, text: str) -> bool:
    have = hard_values(text)
    return all(amounts <= have.get(unit, frozenset()) for unit, amounts in hard_values(clause).items())


def _finding(row: Chunk, said: str, policy: Chunk, ruled: str, values: tuple[str, str]) -> Finding:
    return Finding(
        CHECK,
        Severity.WARNS,
        row.path,
        row.locator,
        Words(
            f"答案写“{quoted(said, 60)}”（{values[0]}），政策写“{quoted(ruled, 60)}”（{values[1]}）",
            f"The answer says “{quoted(said, 60)}” ({values[0]}), the policy “{quoted(ruled, 60)}” ({values[1]})",
        ),
        Words(
            "两处改成一致；如果说的是不同情形，请把条件写清楚",
            "Make both agree, or write the condition that tells them apart",
        ),
        row_of(row.locator),
        place(policy),
    )
