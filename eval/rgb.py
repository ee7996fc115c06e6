"""`python -m eval rgb`: is it noticed when the passages do not hold the answer?

A question is put with passages that answer it among others, or with others only. A small model over the features of
`app.chat.answerability`, judged out of fold, says whether to answer; the threshold is swept. What counterfactual
passages say is held against the true ones: none of it may pass the check.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from app.chat.answerability import ANSWERABILITY_FEATURES, answerability_features, best_sentences
from app.chat.check_text import check_text
from app.errors import NotFound
from app.knowledge.tokenize import words
from app.knowledge.view import WordWeights
from eval.metrics import auroc
from eval.public_data import data_folder, records
from eval.screen import screen

FOLDS = 10
REJECTIONS = (0.5, 0.6, 0.7, 0.8, 0.9)
_WEIGHED_WITH = 969
_GOLD = 3


@dataclass(frozen=True, slots=True)
class Put:
    """A question with the passages it was put with."""

    language: str
    group: str
    answerable: bool
    features: Mapping[str, float]
    right: bool
    """Whether the three best sentences hold the answer"""


def rgb(
    passages: Annotated[int, typer.Option(help="Passages a question is put with.")] = 5,
    seed: Annotated[int, typer.Option(help="Another seed picks other passages.")] = 3,
) -> None:
    """Negative rejection, answers right, AUROC of answerability, counterfactual passages (RGB)."""
    try:
        put = questions(passages, seed)
    except NotFound as missing:
        screen.print(f"[yellow]{missing}[/]")
        raise typer.Exit(1) from missing
    chances = out_of_fold(put)
    screen.print(_separation_table(put, chances), _sweep_table(put, chances))
    accepted, n = counterfactual()
    screen.print(f"counterfactual answers that the true passages are taken to support: {accepted} of {n}")


def questions(passages: int, seed: int) -> list[Put]:
    """Every question of the set with so many passages. Raises NotFound where the set is not at hand."""
    folder = data_folder("rgb_zh_en")
    chance = random.Random(seed)
    texts: dict[str, str] = {}
    weights: dict[str, WordWeights] = {}
    for language in ("en", "zh"):
        found = {d["id"]: d["text"] for d in records(folder / f"documents_{language}.jsonl")}
        texts |= found
        sample = random.Random(1).sample(sorted(found), min(_WEIGHED_WITH, len(found)))
        weights[language] = WordWeights(frozenset(words(found[one])) for one in sample)
    put = []
    for item in records(folder / "questions.jsonl"):
        chosen = [texts[one] for one in _chosen(item, passages, chance)]
        if len(chosen) >= 2:
            put.append(_put(item, chosen, weights[item["language"]]))
    return put


def _chosen(item: Mapping[str, Any], passages: int, chance: random.Random) -> list[str]:
    gold, noise = list(item["gold_doc_ids"]), list(item["noise_doc_ids"])
    chance.shuffle(gold)
    chance.shuffle(noise)
    first = gold[:_GOLD]
    chosen = [*first, *noise[: passages - len(first)]]
    chosen += gold[_GOLD : _GOLD + passages - len(chosen)]
    chance.shuffle(chosen)
    return chosen


def _put(item: Mapping[str, Any], passages: Sequence[str], weights: WordWeights) -> Put:
    said = " ".join(best_sentences(item["question"], passages, weights)).casefold()
    gold = [str(one).casefold() for one in item["gold_answer"] or ()]
    needs_all = "information_integration" in item["tags"]
    right = bool(gold) and (all if needs_all else any)(one in said for one in gold)
    features = answerability_features(item["question"], passages, weights)
    return Put(item["language"], item["group"], bool(item["answerable"]), features, right)


def out_of_fold(put: Sequence[Put]) -> list[float]:
    """P(the passages answer), each by a model that saw no question of its group."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  for fitting only
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    rows = np.array([[one.features[name] for name in ANSWERABILITY_FEATURES] for one in put])
    labels = np.array([one.answerable for one in put])
    chances = np.zeros(len(put))
    for train, test in GroupKFold(FOLDS).split(rows, labels, [one.group for one in put]):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=2000))
        chances[test] = model.fit(rows[train], labels[train]).predict_proba(rows[test])[:, 1]
    return [float(chance) for chance in chances]


def _separation_table(put: Sequence[Put], chances: Sequence[float]) -> Table:
    table = Table(title="Do the passages answer? Out of fold", title_justify="left", header_style="bold")
    for heading in ("", "answerable", "not", "AUROC", "best feature alone"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name in ("all", "en", "zh"):
        chosen = [n for n, one in enumerate(put) if name in ("all", one.language)]
        above, below = ([n for n in chosen if put[n].answerable is side] for side in (True, False))
        alone = {f: _auroc_of(put, f, above, below) for f in ANSWERABILITY_FEATURES}
        best = max(alone, key=alone.__getitem__)
        score = auroc([chances[n] for n in above], [chances[n] for n in below]) or 0.0
        table.add_row(name, str(len(above)), str(len(below)), f"{score:.3f}", f"{best} {alone[best]:.3f}")
    return table


def _auroc_of(put: Sequence[Put], feature: str, above: Sequence[int], below: Sequence[int]) -> float:
    return auroc([put[n].features[feature] for n in above], [put[n].features[feature] for n in below]) or 0.0


def _sweep_table(put: Sequence[Put], chances: Sequence[float]) -> Table:
    table = Table(title="The threshold, swept", title_justify="left", header_style="bold")
    for heading in ("negatives rejected", "threshold", "answerable answered", "answered right"):
        table.add_column(heading, justify="right")
    below = [chance for one, chance in zip(put, chances, strict=True) if not one.answerable]
    above = [(chance, one.right) for one, chance in zip(put, chances, strict=True) if one.answerable]
    for share in REJECTIONS:
        threshold = float(np.quantile(below, share))
        answered = [right for chance, right in above if chance > threshold]
        cells = (len(answered) / len(above), sum(answered) / len(above))
        table.add_row(f"{share:.0%}", f"{threshold:.2f}", *(f"{cell:.1%}" for cell in cells))
    return table


def counterfactual() -> tuple[int, int]:
    """(counterfactual answers that the check accepts from the true passages, of how many)."""
    accepted = n = 0
    with (data_folder("rgb_zh_en") / "counterfactual.jsonl").open(encoding="utf-8") as lines:
        for item in map(json.loads, lines):
            context = " ".join(item["correct_passages"])
            for answer in item["counterfactual_answer"]:
                n += 1
                accepted += check_text(f"{item['question']}: {answer}", context) >= 0.5
    return accepted, n
