"""Every problem type is explained, and nothing is explained that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import app.errors
from app.api.problems import TYPE_BASE, problem_json
from app.errors import XiaoerError

PAGE = Path(__file__).parents[2] / "docs" / "problems.md"


def kinds(kind: type[XiaoerError] = XiaoerError) -> set[type[XiaoerError]]:
    return {kind}.union(*(kinds(k) for k in kind.__subclasses__() if k.__module__ == app.errors.__name__))


def test_every_problem_type_has_a_heading_and_every_heading_a_problem_type() -> None:
    headings = set(re.findall(r"^## (\S+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert headings == {kind.slug for kind in kinds()}


def test_the_page_states_the_status_that_is_sent() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for kind in kinds():
        section = page.split(f"## {kind.slug}\n")[1].split("\n## ")[0]
        assert f"Status {kind.status}." in section, kind.slug


def test_a_problem_has_the_members_of_rfc_9457() -> None:
    problem = problem_json(app.errors.NotFound("There is no such shop."))
    assert problem["type"] == TYPE_BASE + "not-found"
    assert (problem["status"], problem["detail"]) == (404, "There is no such shop.")
    assert problem["instance"].startswith("urn:uuid:")
