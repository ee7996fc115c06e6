"""The figures of `python -m eval.releases`, at a size that fits between other tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.releases.boundaries import ask_at_boundaries
from eval.releases.mixing import mix
from eval.releases.scale import measure_large

pytestmark = pytest.mark.integration


async def test_one_second_around_every_validity_the_answer_is_right_in_three_time_zones(tmp_path: Path) -> None:
    found = await ask_at_boundaries(tmp_path)
    assert found.wrong == []
    assert found.asked >= 500


async def test_no_answer_mixes_releases_while_the_pointer_moves(tmp_path: Path) -> None:
    found = await mix(tmp_path / "home", moves=12, chats=8)
    assert (found.mixed, found.foreign_citations, found.record_differs) == ([], [], [])
    assert found.moves == 12
    assert len(found.by_release) > 1
    assert found.answers > 0.5 * found.replies


async def test_an_edit_of_one_document_in_a_hundred_embeds_little_again(tmp_path: Path) -> None:
    large = await measure_large(tmp_path, 300, 0.01, moves=2)
    assert large.again.share_embedded <= 0.015
    assert large.unchanged.embedded == 0
