"""kill -9 at twenty random points of a shop's day; `python -m eval.releases kill` does two hundred."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from eval.releases.killing import kill_many

MEMORY = "/dev/shm"
pytestmark = pytest.mark.integration


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory, where there is such a place: what a kill leaves is the same, and nobody waits for a disk."""
    with TemporaryDirectory(dir=MEMORY if os.path.isdir(MEMORY) else tmp_path) as made:
        yield Path(made)


@pytest.mark.timeout(1_200)
async def test_whenever_it_is_killed_the_live_release_answers_and_the_next_run_finishes(folder: Path) -> None:
    toll = await kill_many(20, folder)
    assert toll.wrong == []
    assert toll.deaths == 20
    assert toll.live_as_before > 0
    assert toll.live_as_new > 0
