"""A shop's threshold is the owner's limit as the certificate supports it, for as long as it speaks of the shop."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.adapters.trust.files import FileTrust
from app.chat.ports import OneThreshold, Trust
from app.errors import BadInput, Conflict, NotFound
from app.trust.certificate import Certificate, Group, Level, Lineage, certificate_of, digest
from app.trust.shift import WATCHED
from tests.builders import SHOP, a_faq, a_policy, a_turn, a_view

KNOWLEDGE = (a_faq(), a_policy())


def a_certificate(**lineage: object) -> Certificate:
    about = {"embedder": "fake", "model": "m1", "release": 1, "chunks": [digest(c.content_hash) for c in KNOWLEDGE]}
    raw = about | lineage
    supported = Group("all", 0.82, 120, 1, 0.041, 150)
    return Certificate(
        id="cert-1",
        shop=SHOP,
        made_at=datetime(2026, 5, 1, tzinfo=UTC),
        delta=0.05,
        lineage=Lineage(str(raw["embedder"]), str(raw["model"]), 1, frozenset(raw["chunks"])),  # type: ignore[call-overload]
        levels=(Level(0.02, (Group("all", None, missing=40),), 0.0), Level(0.05, (supported,), 0.7)),
        watched=tuple(WATCHED),
        rows=tuple((0.9, *[0.6] * len(WATCHED)) for _ in range(100)),
    )


def keep(home: Path, certificate: Certificate) -> FileTrust:
    folder = home / "calibration" / SHOP
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "certificate.json").write_text(json.dumps(certificate.as_json()), encoding="utf-8")
    return FileTrust(home, 0.7, "fake", "m1")


def threshold(trust: Trust) -> float:
    return trust.standing(a_turn(), a_view(*KNOWLEDGE), "faq", "en").threshold


def test_a_certificate_is_read_back_as_it_was_written() -> None:
    assert certificate_of(json.loads(json.dumps(a_certificate().as_json()))) == a_certificate()


def test_without_a_certificate_the_threshold_of_the_settings_holds(tmp_path: Path) -> None:
    trust = FileTrust(tmp_path, 0.7, "fake", "m1")
    found = trust.standing(a_turn(), a_view(*KNOWLEDGE), "faq", "en")
    assert (found.threshold, found.certificate) == (0.7, "")
    assert threshold(OneThreshold(0.6)) == 0.6


def test_until_the_owner_chooses_a_certificate_changes_no_threshold_but_names_what_it_covers(tmp_path: Path) -> None:
    found = keep(tmp_path, a_certificate()).standing(a_turn(), a_view(*KNOWLEDGE), "faq", "en")
    assert (found.threshold, found.certificate, found.certified_from) == (0.7, "cert-1", 0.82)


def test_a_chosen_limit_sets_the_threshold_at_once_and_can_be_taken_back(tmp_path: Path) -> None:
    trust = keep(tmp_path, a_certificate())
    trust.choose(SHOP, 0.05, "ann")
    assert threshold(trust) == 0.82
    assert threshold(FileTrust(tmp_path, 0.7, "fake", "m1")) == 0.82
    trust.undo(SHOP, "ann")
    assert threshold(trust) == 0.7
    with pytest.raises(Conflict, match="No choice"):
        trust.undo(SHOP, "ann")


def test_a_limit_that_the_labels_do_not_support_cannot_be_chosen(tmp_path: Path) -> None:
    trust = keep(tmp_path, a_certificate())
    with pytest.raises(BadInput, match=r"it supports 0\.05"):
        trust.choose(SHOP, 0.02, "ann")
    with pytest.raises(NotFound, match="xiaoer calibrate"):
        trust.choose("other", 0.05, "ann")


@pytest.mark.parametrize(
    ("lineage", "stale"),
    [
        ({"embedder": "another"}, "embedder"),
        ({"model": "m0"}, "model"),
        ({"chunks": ["something", "else"]}, "knowledge"),
    ],
)
def test_a_certificate_of_another_state_is_stale_and_the_stricter_threshold_holds(
    tmp_path: Path, lineage: dict[str, object], stale: str
) -> None:
    trust = keep(tmp_path, a_certificate(**lineage))
    trust.choose(SHOP, 0.05, "ann")
    found = trust.standing(a_turn(), a_view(*KNOWLEDGE), "faq", "en")
    assert (found.threshold, found.certificate) == (0.82, "")
    hashes = frozenset(chunk.content_hash for chunk in KNOWLEDGE)
    assert trust.report(SHOP, hashes)["stale"] == stale


def test_questions_that_shift_end_the_answering_where_the_owner_relies_on_the_certificate(tmp_path: Path) -> None:
    told: list[tuple[str, bool]] = []
    keep(tmp_path, a_certificate())
    trust = FileTrust(tmp_path, 0.7, "fake", "m1", lambda shop, on, feature: told.append((shop, on)))
    trust.choose(SHOP, 0.05, "ann")
    harder = {name: 0.6 - 0.3 * way for name, way in WATCHED.items()}
    for _ in range(60):
        trust.saw(a_turn(), harder, 0.95)
    assert told == [(SHOP, True)]
    assert trust.standing(a_turn(), a_view(*KNOWLEDGE), "faq", "en").shifted
    assert trust.report(SHOP)["shift"]["handing_over"] is True
    again = FileTrust(tmp_path, 0.7, "fake", "m1")
    assert again.standing(a_turn(), a_view(*KNOWLEDGE), "faq", "en").shifted, "it outlives a restart"
    trust.undo(SHOP, "ann")
    assert not trust.standing(a_turn(), a_view(*KNOWLEDGE), "faq", "en").shifted


def test_a_file_that_is_no_certificate_counts_as_none(tmp_path: Path) -> None:
    folder = tmp_path / "calibration" / SHOP
    folder.mkdir(parents=True)
    (folder / "certificate.json").write_text('{"id": "x"}', encoding="utf-8")
    assert threshold(FileTrust(tmp_path, 0.7, "fake", "m1")) == 0.7
