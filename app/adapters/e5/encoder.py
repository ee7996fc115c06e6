"""A small BERT encoder in numpy: the weights of the default embedder, moved by a low-rank difference that was fitted.

Many short texts are run in one batch without padding: what is done token by token (all the large products) is done for
all texts at once, and attention text by text. Source: Devlin et al. (2018); Hu et al., LoRA (2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.adapters.e5.packed_e5 import PackedModel
from app.errors import ConfigurationError

Array: TypeAlias = NDArray[np.float32]

_LINEAR = ("q", "k", "v", "ao", "fi", "fo")
_NORMS = ("aln", "oln")
_GELU_TO_TANH = np.float32(np.sqrt(2.0 / np.pi))


@dataclass(frozen=True, slots=True)
class Difference:
    """What fitting changed: a low-rank pair of factors a matrix, the norms, and for a score the head that gives it.

    The file holds each factor as int8 with a scale a row (`…/a`, `…/a/scale`), norms and head as float32.
    """

    arrays: Mapping[str, Array]
    layers: int

    @property
    def head(self) -> tuple[Array, float]:
        """Weights (width,) and intercept of the score."""
        return self.arrays["head.w"], float(self.arrays["head.b"][0])

    def of(self, layer: int, name: str) -> Array:
        """What is added to a matrix, (out, in)."""
        return self.factor(f"{layer}.{name}.b").T @ self.factor(f"{layer}.{name}.a")

    def norm(self, layer: int, name: str) -> tuple[Array, Array]:
        """Weights and offsets of a norm."""
        return self.arrays[f"{layer}.{name}.w"], self.arrays[f"{layer}.{name}.b"]

    def factor(self, key: str) -> Array:
        """A factor of a matrix, (rank, in) or (rank, out)."""
        return self.arrays[key].astype(np.float32) * self.arrays[f"{key}.scale"][:, None]


def load_difference(path: Path) -> Difference:
    """The fitted difference. Raises ConfigurationError when the file is missing or broken."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Difference(arrays, int(arrays["layers"][0]))
    except (OSError, ValueError, KeyError, EOFError) as problem:
        raise ConfigurationError(
            f"The fitted model {path.name} can't be read ({problem}). Check out the file again, or set "
            "XIAOER_RERANKER=none to do without the reader."
        ) from problem


@dataclass(frozen=True, slots=True)
class _Layer:
    attend: Array
    attend_offset: Array
    out: Array
    out_offset: Array
    wide: Array
    wide_offset: Array
    narrow: Array
    narrow_offset: Array
    norms: tuple[tuple[Array, Array], tuple[Array, Array]]


class Encoder:
    """Token ids in, the mean state of their last layer out. Pure once loaded, some 85 MB."""

    def __init__(self, packed: PackedModel, difference: Difference) -> None:
        self._packed = packed
        self._heads = packed.sizes.heads
        self._width = width = packed.sizes.width
        self._epsilon = np.float32(packed.sizes.epsilon)
        self._positions = packed.tensor("emb.pos", -1, width) + packed.tensor("emb.type", -1, width)[:1]
        self._first_norm = (packed.tensor("emb.ln.w", width), packed.tensor("emb.ln.b", width))
        self._layers = [_layer(packed, difference, n) for n in range(difference.layers)]

    def pooled(self, texts: Sequence[Sequence[int]]) -> Array:
        """(texts, width): the mean over its tokens of each text of token ids."""
        if not texts:
            return np.empty((0, self._width), dtype=np.float32)
        bounds = np.cumsum([0, *(len(text) for text in texts)])
        segments = [slice(int(a), int(b)) for a, b in pairwise(bounds)]
        state = self._embedded(texts)
        for layer in self._layers:
            state = self._through(layer, state, segments)
        return np.stack([state[segment].mean(axis=0) for segment in segments])

    def _embedded(self, texts: Sequence[Sequence[int]]) -> Array:
        ids = np.array([token for text in texts for token in text], dtype=np.intp)
        places = np.concatenate([np.arange(len(text)) for text in texts])
        words = self._packed.rows("emb.word", self._width, ids)
        placed: Array = words + self._positions[places]
        return self._normed(placed, self._first_norm)

    def _through(self, layer: _Layer, state: Array, segments: Sequence[slice]) -> Array:
        projected = state @ layer.attend + layer.attend_offset
        seen: Array = np.concatenate([self._attended(projected[segment]) for segment in segments])
        state = self._normed(state + seen @ layer.out + layer.out_offset, layer.norms[0])
        wide = gelu(state @ layer.wide + layer.wide_offset)
        return self._normed(state + wide @ layer.narrow + layer.narrow_offset, layer.norms[1])

    def _attended(self, projected: Array) -> Array:
        """Attention of all heads within one text: (tokens, 3 x width) → (tokens, width)."""
        tokens = len(projected)
        query, key, value = projected.reshape(tokens, 3, self._heads, -1).transpose(1, 2, 0, 3)
        weights = query @ key.transpose(0, 2, 1) * np.float32(query.shape[-1] ** -0.5)
        weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return np.ascontiguousarray((weights @ value).transpose(1, 0, 2)).reshape(tokens, self._width)

    def _normed(self, state: Array, norm: tuple[Array, Array]) -> Array:
        centred = state - state.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + self._epsilon)
        return np.asarray(centred / spread * norm[0] + norm[1], dtype=np.float32)


def gelu(x: Array) -> Array:
    """The activation of BERT, by its tanh form (within 0.001 of the exact one). Source: Hendrycks, Gimpel (2016)."""
    return np.asarray(np.float32(0.5) * x * (1 + np.tanh(_GELU_TO_TANH * (x + np.float32(0.044715) * x * x * x))))


def _layer(packed: PackedModel, difference: Difference, number: int) -> _Layer:
    width = packed.sizes.width
    weights, offsets = {}, {}
    for name in _LINEAR:
        change = difference.of(number, name)
        # Transposed once, so that a state is multiplied from the left.
        weights[name] = np.ascontiguousarray((packed.tensor(f"l{number}.{name}.w", *change.shape) + change).T)
        offsets[name] = packed.tensor(f"l{number}.{name}.b", -1)
    first, second = (difference.norm(number, name) for name in _NORMS)
    return _Layer(
        attend=np.concatenate([weights[name] for name in "qkv"], axis=1).reshape(width, -1),
        attend_offset=np.concatenate([offsets[name] for name in "qkv"]),
        out=weights["ao"],
        out_offset=offsets["ao"],
        wide=weights["fi"],
        wide_offset=offsets["fi"],
        narrow=weights["fo"],
        narrow_offset=offsets["fo"],
        norms=(first, second),
    )
