"""What the doctor reads out of a vLLM's own metrics, and what it says to change."""

from __future__ import annotations

from app.doctor_model import Engine, advice, read_metrics, summary

METRICS = """# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="qwen"} 12.0
vllm:num_requests_running{engine="1",model_name="qwen"} 3.0
vllm:num_requests_waiting{engine="0",model_name="qwen"} 0.0
vllm:kv_cache_usage_perc{engine="0",model_name="qwen"} 0.31
vllm:prefix_cache_queries_total{engine="0",model_name="qwen"} 100000.0
vllm:prefix_cache_hits_total{engine="0",model_name="qwen"} 81000.0
vllm:num_preemptions_total{engine="0",model_name="qwen"} 0.0
vllm:cache_config_info{block_size="16",cache_dtype="auto",enable_prefix_caching="True",engine="0"} 1.0
vllm:broken NaN
"""


def engine(text: str = METRICS, longest: int = 8192) -> Engine:
    metrics, cache = read_metrics(text)
    return Engine("http://gpu:8000/v1", {"qwen": longest}, "0.32.0", metrics, cache)


def test_a_well_kept_engine_needs_no_advice() -> None:
    assert advice(engine(), "qwen") == []
    assert summary([engine()]) == "http://gpu:8000/v1: qwen (vLLM 0.32.0, 15 running)"


def test_each_thing_that_slows_it_down_is_named_with_its_flag() -> None:
    troubles = {
        'enable_prefix_caching="False"': ('enable_prefix_caching="True"', "--enable-prefix-caching"),
        "81000.0": ("9000.0", "XIAOER_MODEL"),
        'num_requests_waiting{engine="0",model_name="qwen"} 0.0': (
            'num_requests_waiting{engine="0",model_name="qwen"} 7.0',
            "7 requests wait",
        ),
        "0.31": ("0.97", "97% full"),
        'num_preemptions_total{engine="0",model_name="qwen"} 0.0': (
            'num_preemptions_total{engine="0",model_name="qwen"} 4.0',
            "threw 4 requests out",
        ),
    }
    for well, (ill, told) in troubles.items():
        text = METRICS.replace(ill, well) if "caching" in well else METRICS.replace(well, ill)
        assert text != METRICS, well
        said = advice(engine(text))
        assert len(said) == 1, said
        assert told in said[0]


def test_a_context_that_is_too_short_for_our_prompts_is_told_of_any_server() -> None:
    other = Engine("http://other", {"small": 512})
    assert "--max-model-len" in advice(other, "small")[0]
    assert summary([other]) == "http://other: small (OpenAI-compatible)"


def test_few_tokens_say_nothing_about_the_cache() -> None:
    text = METRICS.replace("100000.0", "900.0").replace("81000.0", "0.0")
    assert advice(engine(text)) == []
