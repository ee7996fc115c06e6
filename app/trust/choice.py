"""Which limit the owner of a shop chose, and when: choices are kept, so that one can be taken back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice. `alpha` None = no limit: the threshold of the settings holds."""

    alpha: float | None
    by: str
    at: datetime
    undone_by: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"alpha": self.alpha, "by": self.by, "at": self.at.isoformat(), "undone_by": self.undone_by}


def chosen(choices: Sequence[Choice]) -> float | None:
    """The limit that holds now."""
    standing = [choice for choice in choices if not choice.undone_by]
    return standing[-1].alpha if standing else None


def undone(choices: Sequence[Choice], by: str) -> list[Choice] | None:
    """The choices with the last one that stands taken back; None when there is none."""
    for n in range(len(choices) - 1, -1, -1):
        if not choices[n].undone_by:
            return [*choices[:n], replace(choices[n], undone_by=by), *choices[n + 1 :]]
    return None


def choice_of(raw: Mapping[str, Any]) -> Choice:
    """The choice that `as_json` wrote."""
    alpha = raw["alpha"]
    return Choice(
        None if alpha is None else float(alpha),
        str(raw["by"]),
        datetime.fromisoformat(raw["at"]),
        str(raw.get("undone_by", "")),
    )
