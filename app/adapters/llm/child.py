"""The model process: llama.cpp's OpenAI-compatible server on a loopback port of its own choosing.

Run by process.py as `python -m app.adapters.llm.child WEIGHTS`, with its options in the environment. It says on
standard output where it listens, and ends when its parent does.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to end us when the parent ends, however it ends; main() also watches, for other systems."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(weights: str) -> None:
    """Serve until the parent is gone."""
    parent = int(os.environ["XIAOER_CHILD_PARENT"])
    die_with_parent()
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)
    import xllamacpp  # noqa: PLC0415  only this process pays for it

    server = xllamacpp.Server(_parameters(xllamacpp, weights))
    print(json.dumps({"listening": server.listening_address}), flush=True)
    while os.getppid() == parent:
        time.sleep(1.0)


def _parameters(xllamacpp, weights: str):  # type: ignore[no-untyped-def]
    """Few slots and a modest prompt cache: the prefix of each shop and language stays warm, memory stays small."""
    options = json.loads(os.environ["XIAOER_CHILD_OPTIONS"])
    parameters = xllamacpp.CommonParams()
    model = parameters.model
    model.path = weights
    parameters.model = model
    parameters.model_alias = {options["name"]}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [options["key"]]
    parameters.n_ctx = options["context_tokens"]
    parameters.n_parallel = options["slots"]
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = options["threads"]
    parameters.cache_prompt = True
    parameters.cache_ram_mib = 256
    parameters.ui = False
    parameters.verbosity = 1
    return parameters


if __name__ == "__main__":
    main(sys.argv[1])
