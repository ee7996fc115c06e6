"""From which confidence answers are sent, shop by shop, and who says so.

Heard first is the owner's choice under Trust, then the environment, then `.env`, then the default; the other arm of a
comparison has a threshold of its own. Whoever else names one is told that nobody listens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.adapters.trust.files import FileTrust
from app.arms import read_experiment
from app.shop.brand import Brand

NAME = "XIAOER_CONFIDENCE_THRESHOLD"
_EVERY = ""
_WISHES = frozenset(
    {"threshold", "confidence", "confidence_threshold", "answer_threshold", NAME.casefold(), "置信度", "门槛"}
)
"""Keys by which somebody may hope to set it in brand.yaml, where unknown keys are notes"""


@dataclass(frozen=True, slots=True)
class InForce:
    """What answers are held to. `shop` is "" for all that have no word of their own.

    unheard    who names another threshold, in vain
    """

    shop: str
    value: str
    source: str
    unheard: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """In one line, for people."""
        return f"{self.shop + ': ' if self.shop else ''}{self.value} ({self.source})"


def thresholds_in_force(
    home: Path, default: float, said: Sequence[tuple[str, str]], brands: Mapping[str, Brand], shops: Iterable[str]
) -> list[InForce]:
    """What the settings say, then each shop where somebody else has a say or would like to.

    said    who names the setting and what they say, whoever is heard first first
    """
    source = f"{NAME} of {said[0][0]}" if said else "the default"
    unheard = tuple(f"{NAME}={value} of {place}" for place, value in said[1:] if not _same(value, default))
    found = [InForce(_EVERY, f"{default:g}", source, unheard)]
    trust = FileTrust(home, default, "", "")
    for shop in shops:
        held = _of_shop(home, shop, trust, f"{default:g}", source, brands)
        if held.source != source or held.unheard:
            found.append(held)
    return found


def _of_shop(
    home: Path, shop: str, trust: FileTrust, default: str, source: str, brands: Mapping[str, Brand]
) -> InForce:
    value, unheard = default, []
    if choice := trust.choice(shop):
        chosen = f"the limit of {choice.alpha:.0%} wrong that {choice.by} chose on {choice.at:%Y-%m-%d}"
        if certified := trust.certified(shop):
            value, source = _range(certified), f"{chosen}, while its certificate holds"
        else:
            unheard.append(f"{chosen} (no certificate of {shop} supports it)")
    if (experiment := read_experiment(home, shop)) and experiment.b.threshold is not None:
        value = f"{value}, and {experiment.b.threshold:g} in {experiment.share:.0%} of conversations"
        source = f"{source}, and {experiment.name} in experiment.yaml"
    notes = brands[shop].notes if shop in brands else {}
    unheard += [f"{name} in the brand.yaml of {shop}" for name in notes if name.strip().casefold() in _WISHES]
    return InForce(shop, value, source, tuple(unheard))


def _range(thresholds: Sequence[float]) -> str:
    low, high = f"{min(thresholds):.2f}", f"{max(thresholds):.2f}"
    return low if low == high else f"{low} to {high}, by kind and language"


def _same(written: str, value: float) -> bool:
    try:
        return float(written) == value
    except ValueError:
        return False
