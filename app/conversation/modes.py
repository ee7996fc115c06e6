"""How far the bot goes before a person does: by shop, schedule, queue length and category, first rule that fits.

auto         the bot answers and calls a person for a reason (the default)
assist       a person answers every message; the bot drafts for them
human_first  a person answers when one is free; the bot answers while none is
off          people answer without the bot: no replies, no drafts
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.errors import BadInput
from app.shop.brand import Brand, brand_of
from app.shop.hours import ServiceHours, hours_of

MOST_RULES = 50


class Mode(StrEnum):
    """How far the bot goes."""

    AUTO = "auto"
    ASSIST = "assist"
    HUMAN_FIRST = "human_first"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Floor:
    """How busy a shop's desk is.

    waiting  conversations in the queue          present  people at the desk
    free     conversations they could take on    held     conversations people have
    """

    waiting: int = 0
    present: int = 0
    free: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: every condition that is given must hold. `schedule` is written like service_hours of brand.yaml."""

    mode: Mode
    schedule: Mapping[str, Any] | None = None
    service_hours: bool | None = None
    """True: only while people answer; False: only while nobody does"""
    queue_at_least: int = 0
    category: str = ""

    def fits(self, now: datetime, brand: Brand, floor: Floor, category: str) -> bool:
        """Whether the rule applies at that moment, to a conversation of that category."""
        if self.schedule is not None and not _hours(self.schedule, brand).is_open(now):
            return False
        if self.service_hours is not None and hours_of(brand).is_open(now) != self.service_hours:
            return False
        return floor.waiting >= self.queue_at_least and self.category in ("", category)


@dataclass(frozen=True, slots=True)
class ModeRules:
    """What a shop has chosen, by whom and when."""

    mode: Mode = Mode.AUTO
    rules: tuple[Rule, ...] = ()
    changed_by: str = ""
    changed_at: str = ""

    @property
    def by_category(self) -> bool:
        """Whether a rule asks what the conversation is about: then it has to be understood first."""
        return any(rule.category for rule in self.rules)

    def at(self, now: datetime, brand: Brand, floor: Floor, category: str = "") -> Mode:
        """The mode in force: that of the first rule that fits, or the shop's own."""
        return next((rule.mode for rule in self.rules if rule.fits(now, brand, floor, category)), self.mode)


class Modes(Protocol):
    """Where the modes are kept."""

    async def of(self, shop: str) -> ModeRules:
        """The shop's mode; full auto where nobody has chosen."""

    async def choose(self, shop: str, rules: ModeRules) -> None:
        """Keep another one. It counts from the next message on."""


def rules_of(raw: Mapping[str, Any], changed_by: str = "", changed_at: str = "") -> ModeRules:
    """The rules a JSON object states. Raises BadInput, naming what does not fit."""
    listed = raw.get("rules") or ()
    if not isinstance(listed, Sequence) or len(listed) > MOST_RULES:
        raise BadInput(f"`rules` is a list of at most {MOST_RULES} rules. Nothing was changed.")
    return ModeRules(_mode(raw.get("mode", "auto")), tuple(_rule(item) for item in listed), changed_by, changed_at)


def rules_json(rules: ModeRules) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "mode": rules.mode.value,
        "rules": [
            {
                "mode": rule.mode.value,
                "schedule": dict(rule.schedule) if rule.schedule is not None else None,
                "service_hours": rule.service_hours,
                "queue_at_least": rule.queue_at_least,
                "category": rule.category,
            }
            for rule in rules.rules
        ],
        "changed_by": rules.changed_by,
        "changed_at": rules.changed_at,
    }


def _mode(value: object) -> Mode:
    try:
        return Mode(str(value))
    except ValueError:
        known = ", ".join(mode.value for mode in Mode)
        raise BadInput(f"There is no mode of that name; there are {known}. Nothing was changed.") from None


def _rule(item: Any) -> Rule:
    if not isinstance(item, Mapping):
        raise BadInput("A rule is an object with a `mode` and conditions. Nothing was changed.")
    schedule, during, queue = item.get("schedule"), item.get("service_hours"), item.get("queue_at_least") or 0
    if schedule is not None and not (isinstance(schedule, Mapping) and any(hours_of(_with(schedule)).week.values())):
        raise BadInput('`schedule` is written like service_hours: {"daily": "22:00-09:00"}. Nothing was changed.')
    if not (during is None or isinstance(during, bool)) or not isinstance(queue, int) or queue < 0:
        raise BadInput("`service_hours` is true, false or null, `queue_at_least` a whole number. Nothing was changed.")
    return Rule(_mode(item.get("mode")), schedule, during, queue, str(item.get("category") or "")[:100])


def _hours(schedule: Mapping[str, Any], brand: Brand) -> ServiceHours:
    return hours_of(_with({"timezone": brand.timezone, **schedule}))


def _with(schedule: Mapping[str, Any]) -> Brand:
    return brand_of({"service_hours": dict(schedule)})
