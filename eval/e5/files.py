"""Write a fitted difference as the server reads it, and take one over to go on from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from app.adapters.e5.encoder import Difference
from eval.e5.network import FACTOR_SCALE, LINEAR, NORMS, EncoderNetwork, ReaderNetwork


def take_over(network: EncoderNetwork, fitted: Difference) -> None:
    """Set the network to a difference that `export` wrote; its rank must be the network's."""
    for number, layer in enumerate(network.layers):
        for name in LINEAR:
            adapted, key = getattr(layer, name), f"{number}.{name}"
            adapted.a.data = torch.from_numpy(fitted.factor(f"{key}.a"))
            adapted.b.data = torch.from_numpy(fitted.factor(f"{key}.b").T.copy()) / FACTOR_SCALE
        for name in NORMS:
            getattr(layer, name).weight.data = torch.from_numpy(fitted.arrays[f"{number}.{name}.w"])
            getattr(layer, name).bias.data = torch.from_numpy(fitted.arrays[f"{number}.{name}.b"])
    if isinstance(network, ReaderNetwork):
        weights, offset = fitted.head
        network.head.weight.data = torch.from_numpy(weights)[None]
        network.head.bias.data = torch.tensor([float(offset)])


def export(network: EncoderNetwork, path: Path) -> None:
    """Write what the server reads: factors as int8 with a scale a row, norms and head as they are."""
    arrays: dict[str, NDArray[Any]] = {"layers": np.array([len(network.layers)])}
    for number, layer in enumerate(network.layers):
        for name in LINEAR:
            adapted = getattr(layer, name)
            arrays |= _rounded(f"{number}.{name}.a", adapted.a.detach().numpy())
            arrays |= _rounded(f"{number}.{name}.b", (FACTOR_SCALE * adapted.b.detach()).T.contiguous().numpy())
        for name in NORMS:
            arrays[f"{number}.{name}.w"] = getattr(layer, name).weight.detach().numpy()
            arrays[f"{number}.{name}.b"] = getattr(layer, name).bias.detach().numpy()
    if isinstance(network, ReaderNetwork):
        arrays["head.w"] = network.head.weight.detach().numpy()[0]
        arrays["head.b"] = network.head.bias.detach().numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, allow_pickle=False, **arrays)
    partial.replace(path)


def _rounded(key: str, factor: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
    scale = np.maximum(np.abs(factor).max(axis=1) / 127, 1e-12)
    return {key: np.round(factor / scale[:, None]).astype(np.int8), f"{key}.scale": scale.astype(np.float32)}
