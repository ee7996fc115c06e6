"""What the documents say is what the code does."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app import errors

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def every_error(base: type[errors.XiaoerError] = errors.XiaoerError) -> list[type[errors.XiaoerError]]:
    return [base, *(e for sub in base.__subclasses__() if sub.__module__ == "app.errors" for e in every_error(sub))]


@pytest.mark.parametrize("error", every_error(), ids=lambda e: e.slug)
def test_every_problem_type_has_its_heading(error: type[errors.XiaoerError]) -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "docs" / "problems.md").read_text("utf-8"), re.M)
    assert error.slug in headings


def test_every_heading_of_problems_is_a_problem_type() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "docs" / "problems.md").read_text("utf-8"), re.M)
    assert sorted(headings) == sorted({error.slug for error in every_error()})


def test_the_settings_table_is_current() -> None:
    command = [sys.executable, str(ROOT / "docs" / "settings_table.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_code_files_that_pages_name_exist(page: Path) -> None:
    for name in re.findall(
        r"`((?:app|eval|ingestion|deploy|tests|docs|prompts|shops)/[\w/.-]+)`", page.read_text("utf-8")
    ):
        assert (ROOT / name).exists(), f"{page.name} names {name}"


def test_decisions_are_numbered_once_each_and_have_the_same_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    # Gaps are those of decisions that are being taken on branches.
    assert len({int(p.name[:4]) for p in pages}) == len(pages)
    for page in pages:
        assert page.read_text("utf-8").startswith(f"# {int(page.name[:4])}." if int(page.name[:4]) else "# N."), (
            page.name
        )
        assert re.findall(r"^## (.+)$", page.read_text("utf-8"), re.M) == [
            "Why it came up",
            "What we decided",
            "What follows",
        ], page.name


def test_the_licence_is_apache() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")[:200]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_without_a_target_lists_every_target_with_what_it_does() -> None:
    shown = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert phony
    shown = re.sub(r"\x1b\[\d*m", "", shown)
    for target in phony[1].split():
        assert re.search(rf"\b{target}\b", shown), target


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_says_which_python_it_needs_when_there_is_none(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(["make", "setup", "PYTHON="], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_modules_that_commands_load_by_name_exist() -> None:
    cli = ROOT / "app" / "cli.py"
    for module in re.findall(r'import_module\("([\w.]+)"\)', cli.read_text("utf-8")):
        assert importlib.util.find_spec(module), module
