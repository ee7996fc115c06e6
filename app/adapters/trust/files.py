"""Certificates, choices and what was asked since, kept as files: `HOME/calibration/SHOP/`.

`certificate.json` is written by `xiaoer calibrate`, also while the server runs: a turn sees the new one at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.chat.ports import Standing
from app.chat.turn import Turn
from app.errors import BadInput, Conflict, NotFound
from app.knowledge.view import KnowledgeView
from app.trust.certificate import DEFAULT_ALPHA, Certificate, Level, Stale, certificate_of
from app.trust.choice import Choice, choice_of, chosen, undone
from app.trust.shift import ShiftWatch

FOLDER = "calibration"
CERTIFICATE, CHOICES, SEEN = "certificate.json", "choices.json", "seen.json"
_NEVER = 2.0
"""A threshold that no confidence reaches."""


@dataclass(slots=True)
class _Shop:
    """What is known of one shop, until one of its files changes."""

    stamp: tuple[int, int]
    certificate: Certificate | None
    choices: list[Choice]
    watch: ShiftWatch | None
    stale: dict[tuple[int, int], Stale | None]

    @property
    def alpha(self) -> float | None:
        return chosen(self.choices)

    @property
    def level(self) -> Level | None:
        """What is certified for the chosen limit."""
        return self.certificate.level(self.alpha or DEFAULT_ALPHA) if self.certificate else None


class FileTrust:
    """Implements app.chat.ports.Trust, and what the console and `doctor` ask of it.

    default    confidence from which shops answer whose owner has chosen no limit
    embedder, model   what answers are found and judged with now
    changed    told of every alarm that goes off or ends: shop, whether it is on, the feature
    """

    def __init__(
        self,
        home: Path,
        default: float,
        embedder: str,
        model: str,
        changed: Callable[[str, bool, str], None] = lambda shop, on, feature: None,
    ) -> None:
        self._home = home / FOLDER
        self._default = default
        self._embedder = embedder
        self._model = model
        self._changed = changed
        self._shops: dict[str, _Shop] = {}
        self._live: dict[str, frozenset[str]] = {}

    def standing(self, turn: Turn, view: KnowledgeView, kind: str, language: str) -> Standing:
        """What an answer of that kind and language is held to now."""
        shop = self._shop(turn.shop)
        certificate, level = shop.certificate, shop.level
        if certificate is None or level is None:
            return Standing(self._default, model=self._model)
        certified = level.threshold(kind, language)
        if self._stale(shop, view) is not None:
            # What was certified speaks of another state: the stricter of the two thresholds holds.
            cautious = max(self._default, certified or 0.0) if shop.alpha is not None else self._default
            return Standing(cautious, model=self._model)
        if shop.alpha is None or not level.holds:
            from_there = _NEVER if certified is None else certified
            return Standing(self._default, certificate.id, from_there, model=self._model)
        threshold = _NEVER if certified is None else certified
        shifted = bool(shop.watch and shop.watch.alarm)
        return Standing(threshold, certificate.id, threshold, shifted, self._model)

    def saw(self, turn: Turn, features: Mapping[str, float], confidence: float) -> None:
        """A shopper's question was looked up: those whose answer is sent are compared with the labelled ones."""
        shop = self._shop(turn.shop)
        if shop.watch is None or confidence < self._lowest(shop):
            return
        if shop.watch.saw(features):
            self._tell(turn.shop, shop)

    def report(self, name: str, chunks: frozenset[str] | None = None) -> dict[str, Any]:
        """All of it, for people. `chunks`: content hashes of the live release, to see whether it is stale."""
        shop = self._shop(name)
        certificate, watch = shop.certificate, shop.watch
        told: dict[str, Any] = {
            "shop": name,
            "default_threshold": self._default,
            "alpha": shop.alpha,
            "choices": [choice.as_json() for choice in shop.choices][-20:],
            "certificate": None,
            "stale": None,
            "shift": None,
        }
        if certificate is None:
            return told
        raw = certificate.as_json()
        raw["lineage"] = {**raw["lineage"], "chunks": len(certificate.lineage.chunks)}
        told["certificate"] = {name: raw[name] for name in raw if name not in ("rows", "watched")}
        stale = certificate.stale(self._embedder, self._model, chunks) if chunks is not None else None
        told["stale"] = stale.value if stale else None
        told["drift"] = round(certificate.drift(chunks), 4) if chunks is not None else None
        if watch is not None:
            alarm = watch.alarm
            told["shift"] = {
                "alarm": alarm is not None,
                "answers": watch.answers,
                "feature": alarm.feature if alarm else "",
                "distance": round(alarm.distance, 3) if alarm else 0.0,
                "p_value": alarm.p_value if alarm else None,
                "handing_over": alarm is not None and shop.alpha is not None,
            }
        return told

    def choice(self, name: str) -> Choice | None:
        """The owner's choice that stands and names a limit."""
        standing = [choice for choice in self._shop(name).choices if not choice.undone_by]
        return standing[-1] if standing and standing[-1].alpha is not None else None

    def certified(self, name: str) -> tuple[float, ...]:
        """The thresholds certified for the chosen limit, of all kinds and languages; none without such a choice."""
        shop = self._shop(name)
        groups = shop.level.groups if shop.level and shop.alpha is not None else ()
        return tuple(group.threshold for group in groups if group.threshold is not None)

    def choose(self, name: str, alpha: float | None, by: str) -> None:
        """Set the shop's limit. Raises NotFound without a certificate, BadInput for a limit that it cannot support."""
        shop = self._shop(name)
        if alpha is not None:
            if shop.certificate is None:
                raise NotFound(f"{name} has no certificate yet. Nothing was changed; run `xiaoer calibrate` first.")
            level = shop.certificate.level(alpha)
            offered = [f"{one.alpha:g}" for one in shop.certificate.levels if one.holds]
            if level is None or not level.holds:
                can = f"it supports {', '.join(offered)}" if offered else "it supports none yet: label more questions"
                raise BadInput(f"The certificate of {name} does not support α = {alpha:g}; {can}. Nothing was changed.")
        self._write(name, [*shop.choices, Choice(alpha, by, datetime.now(UTC))])

    def undo(self, name: str, by: str) -> None:
        """Take the last choice back. Raises Conflict when there is none."""
        kept = undone(self._shop(name).choices, by)
        if kept is None:
            raise Conflict(f"No choice of {name} is left to take back. Nothing was changed.")
        self._write(name, kept)

    def close(self) -> None:
        """Keep what was seen, so that an alarm outlives a restart."""
        for name, shop in self._shops.items():
            self._keep_seen(name, shop)

    def _lowest(self, shop: _Shop) -> float:
        """Confidence from which answers are sent, whatever their kind."""
        level = shop.level
        if shop.alpha is None or level is None or not level.holds:
            return self._default
        return min(group.threshold for group in level.groups if group.threshold is not None)

    def _stale(self, shop: _Shop, view: KnowledgeView) -> Stale | None:
        key = (view.release, len(view.chunks))
        if key not in shop.stale and shop.certificate:
            hashes = {chunk.content_hash for chunk in view.chunks.values()}
            shop.stale[key] = shop.certificate.stale(self._embedder, self._model, hashes)
        return shop.stale.get(key)

    def _tell(self, name: str, shop: _Shop) -> None:
        alarm = shop.watch.alarm if shop.watch else None
        self._changed(name, alarm is not None, alarm.feature if alarm else "")
        self._keep_seen(name, shop)

    def _shop(self, name: str) -> _Shop:
        stamp = (_changed_at(self._path(name, CERTIFICATE)), _changed_at(self._path(name, CHOICES)))
        kept = self._shops.get(name)
        if kept is None or kept.stamp != stamp:
            before, kept = kept, self._read(name, stamp)
            same = before and before.certificate and kept.certificate and before.certificate.id == kept.certificate.id
            if before and same and before.alpha == kept.alpha:
                kept.watch = before.watch
            self._shops[name] = kept
        return kept

    def _read(self, name: str, stamp: tuple[int, int]) -> _Shop:
        certificate = None
        if raw := _json(self._path(name, CERTIFICATE)):
            try:
                certificate = certificate_of(raw)
            except (KeyError, TypeError, ValueError):
                certificate = None  # of another version: as if there were none, until it is made again
        choices = [choice_of(one) for one in (_json(self._path(name, CHOICES)) or {}).get("choices", [])]
        shop = _Shop(stamp, certificate, choices, None, {})
        if certificate and certificate.rows:
            shop.watch = ShiftWatch(certificate.watched, certificate.rows, self._lowest(shop))
            seen = _json(self._path(name, SEEN)) or {}
            if seen.get("certificate") == certificate.id and seen.get("alpha") == shop.alpha:
                shop.watch.take_up(seen["rows"])
        return shop

    def _write(self, name: str, choices: list[Choice]) -> None:
        _write_json(self._path(name, CHOICES), {"choices": [choice.as_json() for choice in choices]})
        self._shops.pop(name, None)

    def _keep_seen(self, name: str, shop: _Shop) -> None:
        if shop.watch and shop.certificate and shop.watch.answers:
            rows = [[round(value, 4) for value in row] for row in shop.watch.rows]
            seen = {"certificate": shop.certificate.id, "alpha": shop.alpha, "rows": rows}
            _write_json(self._path(name, SEEN), seen)

    def _path(self, shop: str, name: str) -> Path:
        if not re.fullmatch(r"[^/\\\0]{1,200}", shop) or shop in (".", ".."):
            raise NotFound(f"There is no shop named {shop!r} here.")
        return self._home / shop / name


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _json(path: Path) -> dict[str, Any] | None:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return raw if isinstance(raw, dict) else None


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)
