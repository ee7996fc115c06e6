"""Two ways of attending a shop side by side: conversations are dealt to arms by a stable hash. Called by bootstrap.

`shops/SHOP/experiment.yaml` under home names the comparison, the share of conversations that get the other arm, and
what is different there: `threshold`, `brand` (a file), `prompts` (a folder), `model` (none, embedded, or a URL). Files
are looked for beside it. It is read when the server starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from app.chat.ports import Standing, Trust
from app.chat.turn import Decision, Reply, Sentence, Turn
from app.conversation.ports import Attendant
from app.errors import ConfigurationError
from app.knowledge.view import KnowledgeView
from app.shop.brand import Brand, brand_of

FILE = "experiment.yaml"
_KEYS = frozenset({"threshold", "brand", "prompts", "model"})


@dataclass(frozen=True, slots=True)
class Arm:
    """What is different in it; None = nothing."""

    threshold: float | None = None
    brand: Path | None = None
    prompts: Path | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """One comparison of a shop. `share` of its conversations get arm "b"."""

    name: str
    share: float
    b: Arm

    def arm(self, conversation_id: str) -> str:
        """Always the same for a conversation; how it was dealt in another comparison has no part in it."""
        digest = hashlib.blake2b(f"{self.name}/{conversation_id}".encode(), digest_size=8).digest()
        return "b" if int.from_bytes(digest) / 2**64 < self.share else "a"


def arm_of(raw: Mapping[str, Any], beside: Path) -> Arm:
    """What an arm's mapping says. Raises ConfigurationError for a key or a file that is not there."""
    if unknown := set(raw) - _KEYS:
        raise ConfigurationError(f"An arm has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(_KEYS))}.")
    paths: dict[str, Path] = {}
    for name in ("brand", "prompts"):
        if raw.get(name):
            paths[name] = beside / str(raw[name])
            if not paths[name].exists():
                raise ConfigurationError(f"The {name} of the arm, {paths[name]}, is not there.")
    threshold = raw.get("threshold")
    if threshold is not None and not 0 < float(threshold) < 1:
        raise ConfigurationError(f"The threshold of an arm lies between 0 and 1; {threshold} does not.")
    model = raw.get("model")
    return Arm(
        None if threshold is None else float(threshold),
        paths.get("brand"),
        paths.get("prompts"),
        None if model is None else str(model),
    )


def read_experiment(home: Path, shop: str) -> Experiment | None:
    """The shop's comparison, None when there is none. Raises ConfigurationError for one that says something else."""
    path = home / "shops" / shop / FILE
    if not path.is_file():
        return None
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        share = float(raw.get("share", 0.5))
        if not 0 <= share <= 1:
            raise ValueError(f"share is {share}, not between 0 and 1")
        return Experiment(str(raw["name"]), share, arm_of(raw["b"], path.parent))
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as problem:
        raise ConfigurationError(f"{path} cannot be read ({problem}): it wants name, share and b.") from problem


def brand_in(arm: Arm, brand: Brand, shop: str) -> Brand:
    """The brand of that arm."""
    if arm.brand is None:
        return brand
    raw = yaml.safe_load(arm.brand.read_text(encoding="utf-8"))
    return brand_of(raw if isinstance(raw, dict) else {}, shop)


class OtherThreshold:
    """A Trust whose threshold is the arm's: no certificate speaks of it."""

    def __init__(self, trust: Trust, threshold: float) -> None:
        self._trust = trust
        self._threshold = threshold

    def standing(self, turn: Turn, view: KnowledgeView, kind: str, language: str) -> Standing:
        """As the shop stands, with that threshold. A shift still ends the answering."""
        own = self._trust.standing(turn, view, kind, language)
        return Standing(self._threshold, shifted=own.shifted, model=own.model)

    def saw(self, turn: Turn, features: Mapping[str, float], confidence: float) -> None:
        """Arms see the same shoppers."""
        self._trust.saw(turn, features, confidence)


class ArmedAttendant:
    """An Attendant that deals each conversation to the shop's own way or to arm "b". Holds no state of a turn."""

    def __init__(self, own: Attendant, others: Mapping[str, tuple[Experiment, Attendant]]) -> None:
        self._own = own
        self._others = others

    async def decide(self, turn: Turn) -> Decision:
        """The first half, with the arm among the grounds."""
        name, attendant, turn = self._dealt(turn)
        decision = await attendant.decide(turn)
        return replace(decision, grounds=replace(decision.grounds, arm=name)) if name else decision

    async def reply(self, turn: Turn, decision: Decision) -> AsyncIterator[Sentence]:
        """The second half, by the same arm."""
        _, attendant, turn = self._dealt(turn)
        async for sentence in attendant.reply(turn, decision):
            yield sentence

    def finish(
        self, turn: Turn, decision: Decision, sentences: Sequence[Sentence], timings_ms: dict[str, float]
    ) -> Reply:
        """The finished turn."""
        _, attendant, turn = self._dealt(turn)
        return attendant.finish(turn, decision, sentences, timings_ms)

    def _dealt(self, turn: Turn) -> tuple[str, Attendant, Turn]:
        """(experiment/arm, who attends, the turn as that arm has it); ("", …) outside a comparison."""
        found = self._others.get(turn.shop)
        if found is None or not turn.conversation_id:
            return "", self._own, turn
        experiment, other = found
        arm = experiment.arm(turn.conversation_id)
        if arm == "a":
            return f"{experiment.name}/a", self._own, turn
        return f"{experiment.name}/b", other, replace(turn, brand=brand_in(experiment.b, turn.brand, turn.shop))


def dealt(home: Path, shops: Iterable[str], own: Attendant, build: Callable[[Arm], Attendant]) -> Attendant:
    """Who attends: `own`, or for shops that compare, `own` and what `build` makes of the other arm.

    Raises ConfigurationError for a comparison that cannot be read: half of one would measure nothing.
    """
    found = {shop: experiment for shop in shops if (experiment := read_experiment(home, shop))}
    return ArmedAttendant(own, {shop: (e, build(e.b)) for shop, e in found.items()}) if found else own
