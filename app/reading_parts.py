"""Picks who says where answers lie, who reads passages together with the question, and what judges by the reading."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from app.adapters.embedders.query_encoder import FITTED_FOR, FittedQueryEncoder
from app.adapters.rerankers.passage_reader import PassageReader
from app.chat.calibrate import FittedModel, load_model
from app.chat.confidence import Confidence
from app.chat.ports import QueryEncoder, Reranker
from app.chat.rerank import Judge
from app.errors import ConfigurationError

BUILT_IN = "reader"
NOBODY = "none"


@lru_cache(maxsize=2)
def make_reranker(name: str) -> Reranker | None:
    """The reranker a setting names: `reader` (built in), `none`, or a CrossEncoder model. Loads at its first use.

    One a process: it keeps no state of a turn, and its weights are larger than all the rest of a pipeline.
    """
    if name == NOBODY:
        return None
    if name == BUILT_IN:
        return PassageReader()
    from app.adapters.rerankers.cross_encoder import CrossEncoderReranker  # noqa: PLC0415  loads torch

    return CrossEncoderReranker(name)


@lru_cache(maxsize=2)
def make_query_encoder(embedder: str) -> QueryEncoder | None:
    """What tells where an answer lies among the passages of the embedder of that name: fitted for the default one only.

    One a process, as the reader.
    """
    return FittedQueryEncoder(embedder) if embedder.startswith(FITTED_FOR) else None


def start_reading(reranker: str, embedder: str) -> None:
    """Load the built-in models' weights now, beside what else starts: the first question need not wait."""
    if isinstance(reader := make_reranker(reranker), PassageReader):
        reader.start()
    if isinstance(encoder := make_query_encoder(embedder), FittedQueryEncoder):
        encoder.start()


def make_judge(name: str, fitted: Path) -> tuple[Judge | None, Confidence]:
    """Who judges passages by reading them (None: nobody), and the confidence models that go with it.

    Raises ConfigurationError when the judge was fitted on another reranker: scores of two do not compare.
    """
    surface = load_model(fitted / "confidence.json")
    reranker = make_reranker(name)
    if reranker is None:
        return None, Confidence(surface)
    judge, read = load_model(fitted / "judge.json"), load_model(fitted / "confidence-read.json")
    for model in (judge, read):
        _must_be_of(model, name)
    return Judge(reranker, judge), Confidence(surface, read)


def _must_be_of(model: FittedModel, name: str) -> None:
    if model.reranker != name:
        raise ConfigurationError(
            f"XIAOER_RERANKER is {name}, and {model.name} was fitted on the scores of {model.reranker or 'no reader'}. "
            f"Run `XIAOER_RERANKER={name} xiaoer calibrate` to fit it, or set XIAOER_RERANKER={BUILT_IN}."
        )
