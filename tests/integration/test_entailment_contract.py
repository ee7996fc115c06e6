"""One contract for every entailment model: the fake, a service over a socket, and a CrossEncoder where it is installed.

The CrossEncoder is a tiny one with random weights, which promises everything but sense. `XIAOER_TEST_NLI` names a model
or a service of one's own that is held to sense as well.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.adapters.entailment.cross_encoder import CrossEncoderEntailment
from app.adapters.entailment.service import EntailmentService
from app.adapters.llm.breaker import Breaker
from app.arbitration_parts import make_entailment, open_arbitration
from app.chat.ports import Entailment
from app.errors import ConfigurationError, Unavailable
from tests.fakes import FakeEntailment
from tests.stub_entailment import StubEntailment, running_stub

pytestmark = pytest.mark.integration

HAS_HUB = importlib.util.find_spec("sentence_transformers") is not None
PATIENT = 60.0
CLAIM = "the jacket is not machine washable"
NLI = ("contradiction", "entailment", "neutral")


def tiny_model(folder: Path, labels: tuple[str, ...] = NLI) -> str:
    """A BERT of a few thousand random weights, always the same ones, with these labels."""
    if not HAS_HUB:
        pytest.skip("sentence-transformers (the hub extra) is not installed: make test-hub")
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz0123456789")]
    folder.mkdir(parents=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]), encoding="utf-8")
    config = BertConfig(
        vocab_size=len(letters) + 5, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=256, num_labels=len(labels),
        id2label=dict(enumerate(labels)), label2id={label: n for n, label in enumerate(labels)},
    )  # fmt: skip
    torch.manual_seed(3)
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(str(vocabulary), model_max_length=256).save_pretrained(folder)
    return str(folder)


@pytest.fixture
async def stub() -> AsyncIterator[StubEntailment]:
    async with running_stub() as running:
        yield running


async def made(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Entailment:
    if kind == "fake":
        return FakeEntailment()
    if kind == "service":
        return EntailmentService(request.getfixturevalue("stub").url)
    if kind == "cross-encoder":
        return CrossEncoderEntailment(tiny_model(tmp_path / "tiny"))
    name = os.environ.get("XIAOER_TEST_NLI", "")
    if not name:
        pytest.skip("XIAOER_TEST_NLI names no entailment model")
    own = make_entailment(name)
    assert own is not None
    return own


@pytest.fixture(params=["fake", "service", "cross-encoder", "own"])
async def entailment(request: pytest.FixtureRequest, tmp_path: Path, stub: StubEntailment) -> AsyncIterator[Entailment]:
    model = await made(request.param, request, tmp_path)
    yield model
    await model.close()
    await model.close()


@pytest.fixture(params=["fake", "service", "own"])
async def sensible(request: pytest.FixtureRequest, tmp_path: Path, stub: StubEntailment) -> AsyncIterator[Entailment]:
    model = await made(request.param, request, tmp_path)
    yield model
    await model.close()


async def test_each_pair_gets_a_probability_in_their_order_whatever_is_asked_beside_it(entailment: Entailment) -> None:
    pairs = [(f"tea number {n} is green", f"tea number {n} is {'black' if n % 2 else 'green'}") for n in range(12)]
    together = await entailment.supports(pairs, timeout_seconds=PATIENT)
    assert len(together) == 12
    assert all(0 <= chance <= 1 for chance in together)
    for n in (0, 7, 11):
        assert await entailment.supports([pairs[n]], timeout_seconds=PATIENT) == [pytest.approx(together[n], abs=1e-3)]
    assert len(set(together)) > 1


async def test_no_pairs_get_no_answer(entailment: Entailment) -> None:
    assert await entailment.supports([], timeout_seconds=PATIENT) == []
    assert entailment.available


@pytest.mark.parametrize("text", ["", "\0", "a\0b", "\ud800", "🙂", "\u202e\U000e0041", "长" * 20_000])
async def test_any_text_gets_a_probability(entailment: Entailment, text: str) -> None:
    for pair in ((text, CLAIM), (CLAIM, text)):
        [chance] = await entailment.supports([pair], timeout_seconds=PATIENT)
        assert 0 <= chance <= 1


async def test_askers_at_the_same_time_each_get_their_own_answer(entailment: Entailment) -> None:
    pairs = [(f"cup {n} costs £{n}", f"cup {n % 3} costs £{n}") for n in range(8)]
    alone = [await entailment.supports([pair], timeout_seconds=PATIENT) for pair in pairs]
    at_once = await asyncio.gather(*(entailment.supports([pair], timeout_seconds=PATIENT) for pair in pairs))
    for expected, found in zip(alone, at_once, strict=True):
        assert found == [pytest.approx(expected[0], abs=1e-3)]


async def test_what_is_said_is_likelier_than_what_is_denied_or_not_spoken_of(sensible: Entailment) -> None:
    said, denied, unspoken = await sensible.supports(
        [
            ("Care: the jacket is not machine washable.", CLAIM),
            ("Care: the jacket is machine washable.", CLAIM),
            ("We ship to Canada within five days.", CLAIM),
        ],
        timeout_seconds=PATIENT,
    )
    assert said > 0.5 > max(denied, unspoken)


async def test_a_service_is_sent_pairs_and_its_key(stub: StubEntailment) -> None:
    service = EntailmentService(f"{stub.url}/", key="s3cret")
    await service.supports([("evidence", "sentence")], timeout_seconds=PATIENT)
    assert stub.requests == [{"inputs": [["evidence", "sentence"]], "truncate": True}]
    assert stub.keys == ["Bearer s3cret"]
    await service.close()


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("slow", "took too long"),
        ("error", "answers 500"),
        ("moved", "answers 302"),
        ("nonsense", "unexpected character"),
        ("short", "0 of 1 pairs"),
        ("unnamed", "must be called entailment"),
    ],
)
async def test_a_service_that_is_no_help_is_told_rested_and_tried_again(
    stub: StubEntailment, mode: str, told: str
) -> None:
    now = [0.0]
    service = EntailmentService(stub.url, breaker=Breaker(failures_allowed=2, pause_seconds=3, clock=lambda: now[0]))
    stub.mode, begun = mode, time.monotonic()
    for _ in range(2):
        with pytest.raises(Unavailable, match=told):
            await service.supports([(CLAIM, CLAIM)], timeout_seconds=0.2)
    assert time.monotonic() - begun < 1.5
    assert not service.available
    assert told in service.told
    asked = len(stub.requests)
    with pytest.raises(Unavailable, match="resting"):
        await service.supports([(CLAIM, CLAIM)], timeout_seconds=0.2)
    assert len(stub.requests) == asked
    stub.mode, now[0] = "ok", 4.0
    assert await service.supports([(CLAIM, CLAIM)], timeout_seconds=PATIENT) == [1.0]
    assert service.available
    assert service.told == f"{stub.url}/predict"
    await service.close()


async def test_a_service_that_is_not_there_is_no_help() -> None:
    service = EntailmentService("http://127.0.0.1:1/predict")
    with pytest.raises(Unavailable, match="no help"):
        await service.supports([(CLAIM, CLAIM)], timeout_seconds=2)
    await service.close()


async def test_an_asker_who_leaves_says_nothing_about_the_service(stub: StubEntailment) -> None:
    service = EntailmentService(stub.url, breaker=Breaker(failures_allowed=1))
    stub.mode = "slow"
    asking = asyncio.create_task(service.supports([(CLAIM, CLAIM)], timeout_seconds=PATIENT))
    await stub.was_asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert service.available
    await service.close()


async def test_the_setting_picks_who_is_asked_and_readyz_tells_how_they_are(stub: StubEntailment) -> None:
    async with open_arbitration("none", "", 0.5) as nobody:
        assert (nobody.arbiter, nobody.parts()) == (None, ())
    async with open_arbitration(stub.url, "", 0.5) as asked:
        [part] = asked.parts()
        assert asked.arbiter is not None
        assert (part.name, part.ok, part.required) == ("nli", True, False)
    for wrong in ("ftp://nli", "http://"):
        with pytest.raises(ConfigurationError, match="XIAOER_NLI"):
            make_entailment(wrong)


def test_without_the_hub_extra_the_error_says_how_to_get_it() -> None:
    if HAS_HUB:
        pytest.skip("the hub extra is installed here")
    with pytest.raises(ConfigurationError, match=r"xiaoer\[hub\]"):
        make_entailment("some/nli-model")


async def test_a_cross_encoder_answers_with_the_column_that_is_called_entailment(tmp_path: Path) -> None:
    chances = []
    for place in range(3):
        labels = ["contradiction", "neutral"]
        labels.insert(place, "ENTAILMENT")
        model = CrossEncoderEntailment(tiny_model(tmp_path / str(place), tuple(labels)))
        chances += await model.supports([("the tea is green", CLAIM)], timeout_seconds=PATIENT)
        await model.close()
    assert len(set(chances)) == 3
    assert sum(chances) == pytest.approx(1.0, abs=1e-5)


async def test_a_cross_encoder_with_one_score_gives_it_as_a_probability_whatever_its_files_ask_for(
    tmp_path: Path,
) -> None:
    found = []
    for activation in ("torch.nn.modules.linear.Identity", "torch.nn.modules.activation.Sigmoid"):
        path = Path(tiny_model(tmp_path / activation, ("LABEL_0",)))
        config = json.loads((path / "config.json").read_text())
        config["sentence_transformers"] = {"activation_fn": activation, "version": "5.0.0"}
        (path / "config.json").write_text(json.dumps(config))
        model = CrossEncoderEntailment(str(path))
        found += await model.supports([("the tea is green", CLAIM)], timeout_seconds=PATIENT)
        await model.close()
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert 0 < found[0] < 1


async def test_a_cross_encoder_that_is_too_slow_is_left_alone_for_a_while(tmp_path: Path) -> None:
    model = CrossEncoderEntailment(tiny_model(tmp_path / "tiny"), breaker=Breaker(failures_allowed=1, pause_seconds=60))
    quick: Any = model._model.predict

    def slow(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.5)
        return quick(*args, **kwargs)

    model._model.predict = slow
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="too long"):
        await model.supports([(CLAIM, CLAIM)], timeout_seconds=0.1)
    with pytest.raises(Unavailable, match="resting"):
        await model.supports([(CLAIM, CLAIM)], timeout_seconds=PATIENT)
    assert time.monotonic() - begun < 0.4
    assert "too slow" in model.told
    await model.close()


def test_a_model_that_does_not_say_which_label_means_yes_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"LABEL_0, LABEL_1.*XIAOER_NLI=none"):
        CrossEncoderEntailment(tiny_model(tmp_path / "tiny", ("LABEL_0", "LABEL_1")))
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        CrossEncoderEntailment(str(tmp_path / "nothing"))
