"""`python -m eval.anger`: how much anger the hand-over hears, and how often it takes a plain question for anger.

Heard on public posts labelled by emotion (Weibo in Chinese, tweets in English), false on those labelled neutral and on
what shoppers ask in our suites, which is what counts. Nothing of the public set is ever fitted on, but for one row that
says so: the same classifier fitted on half of the posts besides, measured on the other half.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import yaml
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from app.bootstrap import FITTED, make_embedder
from app.chat.anger import AngerModel, load_anger
from app.chat.intents import load_intents
from app.chat.language import language_of
from app.chat.signals import ANGER
from app.settings import Settings
from eval.fit_anger import Labelled, cross_validated, embed, fit, read_sentences
from eval.public_data import data_folder, records
from eval.vector_cache import CachedEmbedder

ROOT = Path(__file__).parent
MOST_FALSE = 0.05
"""Of our own calm sentences in cross-validation, which sets the threshold; and of plain turns, for one column"""
NOT_PLAIN = frozenset({"human", "injection", "medical_legal", "complaint"})
"""Categories of the suites that hold what is no plain question"""


@dataclass(frozen=True, slots=True)
class Part:
    """Some texts with their vectors."""

    texts: Sequence[str]
    vectors: NDArray[np.float32]

    def scores(self, model: AngerModel) -> list[float]:
        """P(angry) of each."""
        return [model.probability(text, vector) for text, vector in zip(self.texts, self.vectors, strict=True)]

    def phrases(self) -> list[bool]:
        """Which of them a phrase settles."""
        return [bool(ANGER.search(text)) for text in self.texts]


def main(
    refit: Annotated[bool, typer.Option("--fit", help="Fit on our own sentences first, and write the file.")] = False,
    every: Annotated[int, typer.Option(help="Take each n-th public text: 1 is all.")] = 1,
    show: Annotated[int, typer.Option(help="Plain questions taken for anger to print.")] = 12,
) -> None:
    """Fit if asked, measure, and print."""
    asyncio.run(_run(refit, every, show))


async def _run(refit: bool, every: int, show: int) -> None:
    settings, console = Settings(), Console(width=max(120, Console().width))
    embedder = CachedEmbedder(make_embedder(settings), settings.home / "anger")
    path = FITTED / "anger.json"
    own = read_sentences()
    own_vectors = await embed(embedder, [row.text for row in own])
    if refit:
        model, report = fitted(own, own_vectors, embedder.name)
        path.write_text(json.dumps(as_json(model, report), ensure_ascii=False), encoding="utf-8")
        console.print(f"Fitted on {report}, written to {path.name}.", highlight=False)
    parts = {name: Part(texts, await embed(embedder, texts)) for name, texts in _texts(every).items()}
    embedder.save()
    loaded = load_anger(path)
    assert loaded is not None, "no embedder was named"
    _table(console, parts, loaded, "fitted on our own sentences")
    _complaint(console, parts)
    _other_way(console, parts, own, own_vectors)
    plain = parts["plain turns"]
    false = [text for text, score in zip(plain.texts, plain.scores(loaded), strict=True) if score >= loaded.threshold]
    for text in false[:show]:
        console.print(f"[red]false[/] {text}", highlight=False)


def fitted(own: Sequence[Labelled], vectors: NDArray[np.float32], name: str) -> tuple[AngerModel, dict[str, Any]]:
    """The classifier on all our sentences, its threshold from folds that did not see theirs."""
    scores = cross_validated(own, vectors, name)
    calm = sorted((s for s, row in zip(scores, own, strict=True) if not row.angry), reverse=True)
    threshold = round(calm[int(MOST_FALSE * len(calm))], 4)
    angry = [s for s, row in zip(scores, own, strict=True) if row.angry]
    report = {"angry": len(angry), "calm": len(calm), "recall": round(_share(angry, threshold), 3)}
    return replace(fit(own, vectors, name), threshold=threshold), report


def as_json(model: AngerModel, report: dict[str, Any]) -> dict[str, Any]:
    """The file."""
    dense, hashed = ([round(float(w), 4) for w in weights] for weights in (model.dense, model.hashed))
    told = {"name": "anger", "embedder": model.embedder, "bias": model.bias}
    told |= {"threshold": model.threshold}
    return {**told, "report": report, "dense": dense, "hashed": hashed}


def _texts(every: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"zh angry": [], "zh neutral": [], "en angry": []}
    named = {("zh", "angry"): "zh angry", ("zh", "neutral"): "zh neutral", ("en", "anger"): "en angry"}
    for record in records(data_folder("emotion") / "items.jsonl"):
        if name := named.get((record["language"], record["label"])):
            found[name].append(record["text"])
    found = {name: texts[::every] for name, texts in found.items()}
    plain = plain_turns()
    for language in ("zh", "en"):
        found[f"{language} plain turns"] = [text for text in plain if language_of(text, "en") == language]
    found["plain turns"] = plain
    return found


def plain_turns() -> list[str]:
    """What shoppers plainly ask: the suites', the held-out shops' and the scripted dialogues' questions."""
    texts: dict[str, None] = {}
    for path in [*ROOT.glob("suites/*.jsonl"), *ROOT.glob("heldout/*/suite.jsonl")]:
        for record in records(path):
            if record.get("category") not in NOT_PLAIN:
                texts[record["question"]] = None
    for path in sorted(ROOT.glob("dialogues/phrases/*.yaml")):
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in ("answerable", "order_ask", "order_later", "unanswerable", "thanks", "smalltalk"):
            texts |= dict.fromkeys(map(str, said[group]))
    return list(texts)


def _table(console: Console, parts: dict[str, Part], model: AngerModel, title: str) -> None:
    table = Table(title=f"Anger, {title} (threshold {model.threshold})", title_justify="left")
    for heading in ("texts", "of", "phrases", "classifier", "either", "where 5 % of plain zh turns pass", "… either"):
        table.add_column(heading, justify="left" if heading == "texts" else "right")
    loose = _at(parts["zh plain turns"].scores(model), MOST_FALSE)
    for name, part in parts.items():
        scores, settled = part.scores(model), part.phrases()
        heard, most = ([score >= bound for score in scores] for bound in (model.threshold, loose))
        either, mostly = ([a or b for a, b in zip(which, settled, strict=True)] for which in (heard, most))
        shares = [sum(which) / max(1, len(which)) for which in (settled, heard, either, most, mostly)]
        table.add_row(name, str(len(part.texts)), *(f"{share:.3f}" for share in shares))
    console.print(table)


def _complaint(console: Console, parts: dict[str, Part]) -> None:
    """What the intent classifier hears for comparison: "complaint", at a threshold set on half of the neutral posts."""
    intents = load_intents(FITTED / "intents.json")
    angry, neutral = (
        [intents.probabilities(vector)["complaint"] for vector in parts[name].vectors]
        for name in ("zh angry", "zh neutral")
    )
    threshold = _at(neutral[::2], MOST_FALSE)
    told = f"recall {_share(angry[1::2], threshold):.3f}, false {_share(neutral[1::2], threshold):.3f}"
    console.print(f'"complaint" of the intent classifier, on the second halves: {told}', highlight=False)


def _other_way(
    console: Console, parts: dict[str, Part], own: Sequence[Labelled], own_vectors: NDArray[np.float32]
) -> None:
    """The figure the other way: fitted on half of the public posts as well. Nothing of it is kept."""
    rows, vectors = list(own), [own_vectors]
    for name in ("zh angry", "zh neutral"):
        part = parts[name]
        rows += [Labelled(text, name == "zh angry", text) for text in part.texts[::2]]
        vectors.append(part.vectors[::2])
    model = fit(rows, np.concatenate(vectors), "")
    threshold = _at(parts["zh plain turns"].scores(model), MOST_FALSE)
    halves = [Part(parts[n].texts[1::2], parts[n].vectors[1::2]).scores(model) for n in ("zh angry", "zh neutral")]
    heard, false = (_share(scores, threshold) for scores in halves)
    told = f"recall {heard:.3f}, false on neutral posts {false:.3f}"
    console.print(
        f"Fitted on half of the public posts too (not kept), where 5 % of plain zh turns pass: {told}", highlight=False
    )


def _at(scores: Sequence[float], share: float) -> float:
    """The threshold that this share of the scores reaches."""
    ordered = sorted(scores, reverse=True)
    return ordered[int(share * len(ordered))] + 1e-9 if ordered else 1.0


def _share(scores: Sequence[float], threshold: float) -> float:
    return sum(score >= threshold for score in scores) / max(1, len(scores))


if __name__ == "__main__":
    typer.run(main)
