"""Questions one second before, at and one second after a validity begins or ends, in three time zones.

Through the production pipeline with the real embedder. What is expected is stated in the shop's own civil time ("the
last second of 1 November"), so that it does not repeat the reckoning that it measures.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from app.attendance import Attendance
from app.bootstrap import open_attendance
from app.settings import Settings
from ingestion.job import ingest

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/London")
TRICKY_DAYS = (
    date(2026, 3, 8), date(2026, 11, 1), date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 31), date(2027, 1, 1),
    date(2028, 2, 29), date(2026, 2, 28), date(2026, 11, 11),
)  # fmt: skip
"""Clocks change in New York or London, a year or a leap day turns, or the whole world shops."""
_THINGS = (
    "kettle", "blanket", "lamp", "teapot", "rucksack", "raincoat", "notebook", "pillow", "saucepan", "bicycle",
    "headset", "armchair", "suitcase", "telescope", "thermos", "umbrella", "wardrobe", "keyboard", "violin", "tent",
    "mirror", "curtain", "ladder", "hammock", "toaster", "scooter", "candle", "compass",
)  # fmt: skip
_SORTS = ("day", "day", "day", "time", "sale", "policy", "front matter")


@dataclass(frozen=True, slots=True)
class Dated:
    """Something that holds from its first day or moment to its last, in the shop's civil time."""

    number: int
    sort: str
    thing: str
    first: datetime
    last: datetime

    @property
    def mark(self) -> str:
        """What only its own answer says."""
        return f"{7_000 + self.number} points" if self.sort != "sale" else str(700 + self.number)

    @property
    def question(self) -> str:
        """What shoppers ask."""
        if self.sort == "sale":
            return f"How much is the {self.thing}?"
        if self.sort in ("policy", "front matter"):
            return f"What is the bonus for the {self.thing}?"
        return f"How many points do I get for the {self.thing}?"

    def moments(self, zone: ZoneInfo) -> Iterator[tuple[datetime, bool]]:
        """Moments around its ends, and whether it holds then. `last` is the last second that counts."""
        second = timedelta(seconds=1)
        for civil, holds in (
            (self.first - second, False), (self.first, True), (self.first + second, True),
            (self.last, True), (self.last + second, False), (self.last + 2 * second, False),
        ):  # fmt: skip
            yield civil.replace(tzinfo=zone), holds

    def written(self) -> tuple[str, str]:
        """Both ends as a shop writes them: days where whole days count, else times (an end is the first moment off)."""
        if self.sort == "time":
            return self.first.isoformat(" ", "seconds"), (self.last + timedelta(seconds=1)).isoformat(" ", "seconds")
        return self.first.date().isoformat(), self.last.date().isoformat()


@dataclass(slots=True)
class Right:
    """How many questions were asked and answered right, by zone and sort; `wrong` says which were not."""

    asked: int = 0
    right: int = 0
    by_zone: dict[str, list[int]] = field(default_factory=dict)
    by_sort: dict[str, list[int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def dated_things(seed: int, zone: str) -> list[Dated]:
    """One a thing, with ends on tricky days as often as not."""
    draw = random.Random(f"{seed} {zone}")
    found = []
    for number, thing in enumerate(_THINGS):
        sort = _SORTS[number % len(_SORTS)]
        day = draw.choice(TRICKY_DAYS) if draw.random() < 0.6 else date(2026, 1, 1) + timedelta(draw.randrange(700))
        end = day + timedelta(days=draw.choice((0, 0, 1, 6, 29)))
        if draw.random() < 0.3:
            day, end = day - (end - day), day
        first, last = datetime.combine(day, time()), datetime.combine(end, time(23, 59, 59))
        if sort == "time":
            first = datetime.combine(day, time(draw.randrange(5, 11), draw.randrange(60), draw.randrange(60)))
            last = datetime.combine(end, time(draw.randrange(12, 23), draw.randrange(60), draw.randrange(1, 60)))
        found.append(Dated(number, sort, thing, first, last))
    return found


def write_shop(folder: Path, zone: str, things: list[Dated]) -> None:
    """A shop with an undated answer for everything, and dated ones over or beside it."""
    knowledge = folder / "knowledge"
    knowledge.mkdir(parents=True, exist_ok=True)
    brand = f"name: Dates\nlanguages: [en]\ncurrency: GBP\nservice_hours: {{timezone: {zone}}}\n"
    (folder / "brand.yaml").write_text(brand, encoding="utf-8")
    rows = [["question", "answer", "valid_from", "valid_to"]]
    products = [["sku", "name", "price", "sale price", "sale start", "sale end"]]
    sections = ["# Bonuses"]
    for dated in things:
        answer = f"For the {dated.thing} you get {dated.mark}."
        begins, ends = dated.written()
        if dated.sort in ("day", "time"):
            rows.append([dated.question, f"For the {dated.thing} you get the usual 5 points.", "", ""])
            rows.append([dated.question, answer, begins, ends])
        elif dated.sort == "sale":
            products.append([f"P-{dated.number}", dated.thing.capitalize(), "999", dated.mark, begins, ends])
        elif dated.sort == "policy":
            sections.append(
                f"## What is the bonus for the {dated.thing}\n\nValid from {begins} to {ends}.\n\n"
                f"The bonus for the {dated.thing} is {dated.mark}."
            )
        else:
            text = f"---\nvalid_from: {begins}\nvalid_until: {ends}\n---\n# What is the bonus for the {dated.thing}\n\n"
            text += f"The bonus for the {dated.thing} is {dated.mark}.\n"
            (knowledge / f"bonus-{dated.thing}.md").write_text(text, encoding="utf-8")
    (knowledge / "bonuses.md").write_text("\n\n".join([*sections, ""]), encoding="utf-8")
    for name, table in (("faq", rows), ("products", products)):
        with (knowledge / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(table)


async def ask_at_boundaries(home: Path, seed: int = 1, told: Callable[[int], None] = lambda _: None) -> Right:
    """Ingest a shop a zone and ask of everything around its ends; `told` is called with how many were asked."""
    found = Right()
    async with open_attendance(Settings(home=home, model="none")) as attendance:
        for zone in ZONES:
            things, shop = dated_things(seed, zone), zone.rpartition("/")[2].lower()
            write_shop(home / "folders" / shop, zone, things)
            knowledge = attendance.knowledge
            await ingest(
                home / "folders" / shop, shop, home=knowledge.home, catalogue=knowledge.catalogue,
                index=knowledge.index, embedder=knowledge.embedder, publish=True, force="a bench",
            )  # fmt: skip
            for dated in things:
                for moment, holds in dated.moments(ZoneInfo(zone)):
                    await _ask(attendance, shop, dated, moment, holds, found)
                    told(found.asked)
    return found


async def _ask(attendance: Attendance, shop: str, dated: Dated, moment: datetime, holds: bool, found: Right) -> None:
    """Right is: it holds and is said, or it does not hold and is not (the usual answer where there is one)."""
    turn = await attendance.turn(shop, dated.question, as_of=moment)
    reply = await attendance.pipeline.run(turn)
    said = dated.mark in reply.text
    usual = {"day": "usual 5 points", "time": "usual 5 points", "sale": "999"}.get(dated.sort, "")
    right = said if holds else not said and usual in reply.text
    found.asked += 1
    found.right += right
    for tally, key in ((found.by_zone, str(moment.tzinfo)), (found.by_sort, dated.sort)):
        counts = tally.setdefault(key, [0, 0])
        counts[0] += right
        counts[1] += 1
    if not right:
        state = "holds" if holds else "does not hold"
        found.wrong.append(f"{dated.question} at {moment.isoformat()} ({dated.sort}, {state}): {reply.text}")
