"""What stands in deploy/ for vLLM is what this vLLM understands."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from app.adapters.llm.openai_client import OpenAIModel
from app.chat.ports import Prompt
from tests.vllm.engine import RealEngine
from tests.vllm.shop import PATIENT

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(3_600)]

DEPLOY = Path(__file__).parents[2] / "deploy"
PARSE = """
import sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
for path in sys.argv[1:]:
    parsed = make_arg_parser(FlexibleArgumentParser()).parse_args(["--config", path])
    print(path, parsed.shutdown_timeout, parsed.enable_prompt_tokens_details, parsed.max_num_seqs, sep="|")
"""


async def test_every_flag_of_our_settings_is_one_it_knows(vllm_home: Path) -> None:
    paths = sorted((DEPLOY / "vllm").glob("*.yaml"))
    assert len(paths) == 4
    command = [str(vllm_home / "bin" / "python"), "-c", PARSE, *map(str, paths)]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2_000:]
    read = [line.split("|") for line in ran.stdout.splitlines() if ".yaml|" in line]
    for path, (told, drain, details, at_once) in zip(paths, read, strict=True):
        written = yaml.safe_load(path.read_text("utf-8"))
        assert told == str(path)
        assert int(drain) == written["shutdown-timeout"] > 0, "0 would break off what is being written"
        assert (details, int(at_once)) == ("True", written["max-num-seqs"])


async def test_the_pause_before_a_pod_stops_sees_whether_anything_is_being_written(
    engine: RealEngine, model: OpenAIModel
) -> None:
    manifest = (DEPLOY / "k8s" / "vllm.yaml").read_text("utf-8")
    idle = re.compile(next(iter(re.findall(r"grep -q '([^']+)'", manifest))), re.MULTILINE)
    assert idle.search(await asyncio.to_thread(engine.metrics_text))
    prompt = Prompt((("user", "Tell me a long story about a fox."),), max_tokens=400)
    stream = model.stream(prompt, timeout_seconds=PATIENT)
    await anext(stream)
    assert not idle.search(await asyncio.to_thread(engine.metrics_text))
    await stream.aclose()
