"""What the drafts are worth: which hidden rows came back, which came twice, whether anybody's data stands in one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.knowledge.tokenize import words
from app.review.group import share_told
from eval.recovery.simulate import Hidden

TOLD, TOLD_SHORT, SHORT = 0.6, 0.4, 6
"""Share of the hidden answer's words, figures counting double, that a draft has to have; of an answer of few words one
synonym ("no cash on delivery" for "cash on delivery is not supported") is a third."""
_FIGURE = re.compile(r"\d+(?:\.\d+)?")


@dataclass
class Result:
    """One run. Drafts that name an FAQ row which says the same are offered as its phrasings: they are no duplicates."""

    hidden: int
    askable: int
    drafts: int = 0
    offered_as_phrasings: int = 0
    said_elsewhere: set[str] = field(default_factory=set)
    """hidden rows whose answer another row still gives: their questions are rightly offered as its phrasings"""
    recovered: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)
    known_again: list[str] = field(default_factory=list)
    junk: list[str] = field(default_factory=list)
    personal: list[str] = field(default_factory=list)
    missed: dict[str, str] = field(default_factory=dict)
    purity: list[float] = field(default_factory=list)

    @property
    def duplicates(self) -> int:
        """Drafts that an editor should not have been shown as new."""
        return len(self.twice) + len(self.known_again)


def judge(
    drafts: Sequence[Mapping[str, Any]], conversation_of: Mapping[int, str], hidden: Hidden, least: int
) -> Result:
    """Compare drafts with what was really asked. `least`: shoppers that a draft needs."""
    asked = Counter(hidden.truth.values())
    result = Result(len(hidden.rows), sum(asked[title] >= least for title in hidden.rows))
    for draft in drafts:
        topics = Counter(hidden.truth[conversation_of[id_]] for id_ in draft["items"])
        title, most = topics.most_common(1)[0]
        result.purity.append(most / sum(topics.values()))
        result.personal += [value for value in hidden.personal if _holds(draft, value)]
        if draft["covered"] and draft["covered"]["kind"] == "faq":
            result.offered_as_phrasings += 1
            row = draft["covered"]
            if title in hidden.rows and _says_it(hidden.rows[title].text, f"{row['title']} {row['text']}"):
                result.said_elsewhere.add(title)
            elif title in hidden.rows:
                result.missed.setdefault(title, f"taken for the row {draft['covered']['title']!r}")
            continue
        result.drafts += 1
        _take(result, hidden, title, draft)
    for title in hidden.rows:
        if title not in result.recovered and title not in result.said_elsewhere:
            result.missed.setdefault(title, f"no draft; asked by {asked[title]}")
        else:
            result.missed.pop(title, None)
    return result


def _take(result: Result, hidden: Hidden, title: str, draft: Mapping[str, Any]) -> None:
    if not title:
        result.junk.append(f"{draft['question']} → {draft['answer'][:80]}")
    elif title in hidden.left:
        result.known_again.append(f"{title}: {draft['question']} → {draft['answer'][:80]}")
    elif title in result.recovered:
        result.twice.append(f"{title}: {draft['question']} → {draft['answer'][:80]}")
    elif _says_it(hidden.rows[title].text, draft["answer"]):
        result.recovered.add(title)
    else:
        result.missed[title] = f"the draft says too little: {draft['answer'][:100]}"


def _says_it(whole: str, told: str) -> bool:
    figures = set(_FIGURE.findall(whole))
    kept = len(figures & set(_FIGURE.findall(told)))
    enough = TOLD if len(set(words(whole))) >= SHORT else TOLD_SHORT
    return share_told(whole, told) >= enough and kept >= 0.7 * len(figures)


def _holds(draft: Mapping[str, Any], value: str) -> bool:
    texts = [draft["question"], draft["answer"], *draft["phrasings"], *draft["variants"]]
    return any(value.casefold() in text.casefold() for text in texts)
