"""`python -m eval fit-support`: fits the small model of `check_text` and says how it does on what it has not seen.

Fitted on BEGIN and FaithBench (CC-BY) and on "question: answer" lines made from the training shops; RGB-made items may
not be used for anything that is shipped, and are only judged. No text of any set is kept, only weights.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from app.chat.check_text import SHIPPED
from app.chat.support_features import SUPPORT_FEATURES, support_features
from app.knowledge.chunk import Chunk, Kind
from eval.metrics import auroc
from eval.public_data import data_folder, records
from eval.screen import screen
from eval.training_shops import TrainingShop, read_training_shops

FITTED_ON = ("begin", "faithbench", "own")
REGULARISATION = 0.05
FOLDS = 5
_SHARE = {"begin": 1.0, "faithbench": 1.0, "own": 1.0, "rgb": 0.0}
_VALUE = re.compile(
    r"[£$€]?\d[\d,.:]*(?:\s?(?:-|–|to|到|至)\s?\d+)?\s?(?:%|[a-z]+(?: days)?|[\u4e00-\u9fff]{1,3})?|"
    r"[A-Z][a-z]+(?: [A-Z][a-z]+)+|“[^”]{2,12}”"
)
_ASKED = 24
"""Most lines made of one training shop."""


@dataclass(frozen=True, slots=True)
class Item:
    """One text with its features. Items of a group never stand on both sides of a fold."""

    source: str
    group: str
    supported: bool
    features: dict[str, float]


def fit_support() -> None:
    """Fit, judge on what was not seen, and write app/chat/fitted/support.json."""
    items = [*public_items(), *own_items()]
    screen.print(table_of(cross_validated(items), "Cross-validated by group; RGB-made never fitted on"))
    known = [item for item in items if item.source in FITTED_ON]
    model = _fitted(known)
    SHIPPED.write_text(json.dumps(_as_json(model, known), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    screen.print(f"Written: {SHIPPED}")


def public_items() -> list[Item]:
    """The labelled public items, by source. Raises NotFound where they are not at hand."""
    found = []
    for record in records(data_folder("groundedness") / "items.jsonl"):
        if record["supported"] is not None:
            features = support_features(record["response"], record["context"])
            source = str(record["source"]).partition("-")[0]
            found.append(Item(source, str(record["group"]), bool(record["supported"]), features))
    return found


def own_items(seed: int = 5) -> list[Item]:
    """ "Question: value" lines of the training shops, with the value that stands there or another one."""
    chance = random.Random(seed)
    return [item for shop in read_training_shops() for item in _lines(shop, chance)]


def _lines(shop: TrainingShop, chance: random.Random) -> Iterator[Item]:
    rows = [chunk for chunk in shop.chunks if chunk.kind is Kind.FAQ]
    held = [(row, value.strip()) for row in rows for value in _VALUE.findall(row.text) if len(value.strip()) > 1]
    is_zh = shop.language[:2] == "zh"
    for row, value in chance.sample(held, min(_ASKED // 2, len(held))):
        context = _context(row, rows, chance)
        asked = chance.choice((row.title, *row.phrasings))
        lead = f"{asked.rstrip('？?')}：" if is_zh else f"{asked}: "
        yield Item("own", shop.name, True, support_features(lead + value, context))
        others = [other for _, other in held if other not in context]
        if others:
            yield Item("own", shop.name, False, support_features(lead + chance.choice(others), context))


def _context(row: Chunk, rows: Sequence[Chunk], chance: random.Random) -> str:
    """The row's answer, half the time among others."""
    if chance.random() < _ALONE:
        return row.text
    texts = list(dict.fromkeys([row.text, *(r.text for r in chance.sample(rows, min(3, len(rows))))]))
    chance.shuffle(texts)
    return " ".join(texts)


_ALONE = 0.5


def cross_validated(items: Sequence[Item]) -> dict[str, tuple[list[float], list[float]]]:
    """source → (scores of supported, of unsupported items), each by a model that saw nothing of its group."""
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415  for fitting only

    scores: dict[str, tuple[list[float], list[float]]] = {item.source: ([], []) for item in items}
    known = [item for item in items if item.source in FITTED_ON]
    groups = [f"{item.source} {item.group}" for item in known]
    for train, test in GroupKFold(FOLDS).split(np.zeros(len(known)), groups=groups):
        _judge(_fitted([known[n] for n in train]), [known[n] for n in test], scores)
    _judge(_fitted(known), [item for item in items if item.source not in FITTED_ON], scores)
    return scores


def _judge(model: Any, items: Sequence[Item], scores: dict[str, tuple[list[float], list[float]]]) -> None:
    if items:
        for item, chance in zip(items, model.predict_proba(_rows(items))[:, 1], strict=True):
            scores[item.source][not item.supported].append(float(chance))


def _fitted(items: Sequence[Item]) -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    model = make_pipeline(StandardScaler(), LogisticRegression(C=REGULARISATION, max_iter=3000))
    labels = np.array([item.supported for item in items])
    return model.fit(_rows(items), labels, logisticregression__sample_weight=_weights(items))


def _rows(items: Sequence[Item]) -> NDArray[np.float64]:
    return np.array([[item.features[name] for name in SUPPORT_FEATURES] for item in items])


def _weights(items: Sequence[Item]) -> NDArray[np.float64]:
    """Both classes of a source weigh the same, and each source its share, however many items it has."""
    counts: dict[tuple[str, bool], int] = {}
    for item in items:
        counts[(item.source, item.supported)] = counts.get((item.source, item.supported), 0) + 1
    weights = np.array([_SHARE[item.source] / counts[(item.source, item.supported)] for item in items])
    return np.asarray(weights / weights.mean())


def _as_json(model: Any, items: Sequence[Item]) -> dict[str, Any]:
    scaler, linear = model.named_steps["standardscaler"], model.named_steps["logisticregression"]
    return {
        "name": "support",
        "embedder": "",
        "features": list(SUPPORT_FEATURES),
        "intercept": round(float(linear.intercept_[0]), 5),
        "weights": [round(float(w), 5) for w in linear.coef_[0]],
        "means": [round(float(m), 5) for m in scaler.mean_],
        "scales": [round(float(s), 5) for s in scaler.scale_],
        "trees": [],
        "knots": [],
        "report": {"items": len(items), "fitted_on": list(FITTED_ON)},
    }


def table_of(scores: dict[str, tuple[list[float], list[float]]], title: str) -> Table:
    """Balanced accuracy at one half and AUROC, per source."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for heading in ("source", "supported", "not", "balanced accuracy", "AUROC"):
        table.add_column(heading, justify="left" if heading == "source" else "right")
    for source, (fine, bad) in sorted(scores.items()):
        cells = (f"{balanced_accuracy(fine, bad):.3f}", f"{auroc(fine, bad) or 0:.3f}")
        table.add_row(source, str(len(fine)), str(len(bad)), *cells)
    return table


def balanced_accuracy(supported: Sequence[float], unsupported: Sequence[float], threshold: float = 0.5) -> float:
    """Mean of the shares of both classes that fall on their side of the threshold."""
    kept = sum(p >= threshold for p in supported) / max(1, len(supported))
    stopped = sum(p < threshold for p in unsupported) / max(1, len(unsupported))
    return (kept + stopped) / 2
