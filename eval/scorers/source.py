"""Was the right source cited, and was it among the passages?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from eval.harness import Sample, Score, Scorer, SolvedSample, Source

_ROW = re.compile(r"^(?:(?P<sheet>[^|!]*)!)?\s*row\s*(?P<number>\d+)\b\s*(?:\|\s*(?P<title>.*))?$", re.S)
_HEADING_MARKS = re.compile(r"^[#\s]+|[\s:：]+$")


def source_cited(sample: Sample, solved: SolvedSample) -> Score:
    """1 when one of `sources`, and one of each group of `sources_all`, is cited; None when the sample names none."""
    if not sample.sources and not sample.sources_all:
        return Score(None)
    cited = [Source(str(c.get("path", "")), str(c.get("locator", ""))) for c in solved.reply.get("citations") or ()]
    found = holds(sample, cited)
    return Score(float(found), "" if found else f"cited {[(c.path, c.locator) for c in cited] or 'nothing'}")


def recall_at(depth: int) -> Scorer:
    """A scorer: 1 when the needed source is among the first `depth` passages; None without passages or sources."""

    def recall(sample: Sample, solved: SolvedSample) -> Score:
        if not (sample.sources or sample.sources_all) or not solved.passages:
            return Score(None)
        return Score(float(holds(sample, [Source(p.path, p.locator) for p in solved.passages[:depth]])))

    return recall


def holds(sample: Sample, sources: Iterable[Source]) -> bool:
    """Whether these sources satisfy what the sample asks for."""
    found = list(sources)
    if sample.sources and not any(same_source(s, f) for s in sample.sources for f in found):
        return False
    return all(any(same_source(s, f) for s in group for f in found) for group in sample.sources_all)


def same_source(wanted: Source, cited: Source) -> bool:
    """Same file, and same row number, SKU, order or heading (a heading path matches by its last parts)."""
    if _plain(wanted.path).removeprefix("./") != _plain(cited.path).removeprefix("./"):
        return False
    if not wanted.locator or _plain(wanted.locator) == _plain(cited.locator):
        return True
    wanted_row, cited_row = _ROW.match(_plain(wanted.locator)), _ROW.match(_plain(cited.locator))
    if wanted_row and cited_row:
        sheets = (wanted_row["sheet"], cited_row["sheet"])
        return wanted_row["number"] == cited_row["number"] and (None in sheets or sheets[0] == sheets[1])
    if wanted_row or cited_row:
        row, other = (wanted_row, cited.locator) if wanted_row else (cited_row, wanted.locator)
        return bool(row and row["title"]) and _plain(row["title"]) == _plain(other) if row else False
    short, long = sorted((_parts(wanted.locator), _parts(cited.locator)), key=len)
    return bool(short) and long[-len(short) :] == short


def _parts(locator: str) -> list[str]:
    return [_HEADING_MARKS.sub("", part) for part in re.split(r"\s*[>›»]\s*", _plain(locator)) if part.strip()]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()
