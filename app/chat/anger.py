"""How angry a message sounds: a small fitted classifier over its embedding and its characters.

The embedding carries what is said, the characters how: curses, repeated marks, endings. Neither alone tells "the cup
is broken, what now?" from "the cup is broken, are you kidding me". Phrases that settle it stand in `signals.ANGER`.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import ConfigurationError
from app.knowledge.ports import Vector

GRAMS = (1, 2, 3)
_SPACE = re.compile(r"\s+")
_MARKS = re.compile(r"([!！?？~～.。…])\1+")
_LONGEST = 400
"""Characters that are read: the heat of a message shows early"""


@dataclass(frozen=True, slots=True)
class AngerModel:
    """Logistic regression: `dense` (embedding size,) on the embedding, `hashed` (buckets,) on character n-grams."""

    embedder: str
    dense: NDArray[np.float32]
    hashed: NDArray[np.float32]
    bias: float
    threshold: float
    """from which a message that cannot be answered is given to a person as angry, and not asked back"""

    def probability(self, text: str, vector: Vector) -> float:
        """P(angry), 0..1."""
        buckets = grams(text, len(self.hashed))
        heat = float(self.hashed[buckets].sum()) / math.sqrt(len(buckets)) if len(buckets) else 0.0
        logit = float(self.dense @ vector) + heat + self.bias
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))

    def is_angry(self, text: str, vector: Vector) -> bool:
        """Whether it sounds angry."""
        return self.probability(text, vector) >= self.threshold


def grams(text: str, buckets: int) -> NDArray[np.intp]:
    """The buckets of a text's character n-grams, each once. Runs of marks count as two of them, digits as one."""
    plain = _SPACE.sub(" ", _MARKS.sub(r"\1\1", text[:_LONGEST].casefold())).strip()
    plain = f" {re.sub(r'[0-9]+', '0', plain)} "
    found = {plain[at : at + size] for size in GRAMS for at in range(len(plain) - size + 1)}
    return np.array(sorted({zlib.crc32(gram.encode()) % buckets for gram in found if gram.strip()}), dtype=np.intp)


def load_anger(path: Path, embedder: str = "") -> AngerModel | None:
    """The classifier from its JSON file; None where it was fitted with another embedder than the one named.

    Raises ConfigurationError when it can't be read."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if embedder not in ("", raw["embedder"]):
            return None
        return AngerModel(
            embedder=str(raw["embedder"]),
            dense=np.array(raw["dense"], dtype=np.float32),
            hashed=np.array(raw["hashed"], dtype=np.float32),
            bias=float(raw["bias"]),
            threshold=float(raw["threshold"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ConfigurationError(
            f"The anger model {path.name} can't be read ({problem}). Run `python -m eval.anger --fit` to fit it again."
        ) from problem
