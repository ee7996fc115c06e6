"""What `xiaoer doctor` sees of a running vLLM, and what it says to change: read from its metrics, without a token."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

WANTED_TOKENS = 2_048
"""The longest prompt and reply of ours together, with room"""
LOW_HITS = 0.4
MANY_TOKENS = 10_000
"""Prompt tokens after which the share of cache hits says something"""
_LINE = re.compile(r"^(?P<name>[\w:]+)(?:\{(?P<labels>[^}]*)\})?\s+(?P<value>[-+.\deE]+|NaN)\s*$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Engine:
    """One server, as it describes itself. `metrics` are sums over its labels; `cache` is how its cache is set."""

    url: str
    models: Mapping[str, int] = field(default_factory=dict)
    """Name → longest context in tokens, 0 = not told"""
    version: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    cache: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_vllm(self) -> bool:
        """Whether it is one, and shows its metrics."""
        return any(name.startswith("vllm:") for name in self.metrics)


def look_at(url: str, key: str, seconds: float) -> Engine:
    """Ask a server about itself. Raises OSError or ValueError when it does not answer as an OpenAI-compatible one."""
    base = url.rstrip("/")
    base = base if base.endswith("/v1") else f"{base}/v1"
    listed = json.loads(_get(f"{base}/models", key, seconds))
    models = {str(one.get("id")): int(one.get("max_model_len") or 0) for one in listed.get("data", [])}
    root, version, text = base.removesuffix("/v1"), "", ""
    try:
        version = str(json.loads(_get(f"{root}/version", key, seconds)).get("version", ""))
        text = _get(f"{root}/metrics", key, seconds).decode()
    except (OSError, ValueError, AttributeError):
        pass  # another kind of server: nothing more to see
    metrics, cache = read_metrics(text)
    return Engine(url, models, version, metrics, cache)


def read_metrics(text: str) -> tuple[dict[str, float], dict[str, str]]:
    """(sum of each metric, labels of the cache's configuration) out of Prometheus' text format."""
    sums: dict[str, float] = {}
    cache: dict[str, str] = {}
    for line in _LINE.finditer(text):
        name = line["name"].removesuffix("_total")
        if line["value"] != "NaN":
            sums[name] = sums.get(name, 0.0) + float(line["value"])
        if name == "vllm:cache_config_info":
            cache = dict(_LABEL.findall(line["labels"] or ""))
    return sums, cache


def advice(engine: Engine, name: str = "") -> list[str]:
    """What to change, the gravest first; empty = nothing."""
    told: list[str] = []
    longest = engine.models.get(name) or max(engine.models.values(), default=0)
    if longest and longest < WANTED_TOKENS:
        told.append(f"it takes {longest} tokens, our prompts may have {WANTED_TOKENS}: raise --max-model-len")
    if not engine.is_vllm:
        return told
    if engine.cache.get("enable_prefix_caching", "True").lower() in ("false", "none"):
        told.append("prefix caching is off, so the rules are computed anew for every turn: --enable-prefix-caching")
    seen = engine.metrics.get
    queries, hits = seen("vllm:prefix_cache_queries", 0.0), seen("vllm:prefix_cache_hits", 0.0)
    if queries > MANY_TOKENS and hits / queries < LOW_HITS:
        told.append(
            f"only {hits / queries:.0%} of prompt tokens came from its cache: give it more memory "
            "(--gpu-memory-utilization, --kv-cache-dtype fp8), and list each replica's own address in XIAOER_MODEL, "
            "not a load balancer's"
        )
    if (waiting := seen("vllm:num_requests_waiting", 0.0)) > 0:
        told.append(f"{waiting:.0f} requests wait for it right now: add a replica, or raise --max-num-seqs")
    if (used := seen("vllm:kv_cache_usage_perc", 0.0)) > 0.9:
        told.append(f"its cache is {used:.0%} full, requests will be thrown out: lower --max-num-seqs, or add memory")
    if (thrown := seen("vllm:num_preemptions", 0.0)) > 0:
        told.append(f"it threw {thrown:.0f} requests out for want of memory: lower --max-num-seqs or --max-model-len")
    return told


def summary(engines: Sequence[Engine]) -> str:
    """One line about all of them."""
    parts = []
    for engine in engines:
        kind = f"vLLM {engine.version}".strip() if engine.is_vllm else "OpenAI-compatible"
        running = f", {engine.metrics.get('vllm:num_requests_running', 0):.0f} running" if engine.is_vllm else ""
        parts.append(f"{engine.url}: {', '.join(list(engine.models)[:3])} ({kind}{running})")
    return "; ".join(parts)


def _get(url: str, key: str, seconds: float) -> bytes:
    request = urllib.request.Request(url)  # noqa: S310  the operator's own setting
    if key:
        request.add_header("authorization", f"Bearer {key}")
    with urllib.request.urlopen(request, timeout=seconds) as response:  # noqa: S310
        return bytes(response.read())
