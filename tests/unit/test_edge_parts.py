"""Tokens, limits, keys and frames."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from app.adapters.keys import decode_key, load_or_make_key, load_or_make_token
from app.api.auth import Tokens
from app.api.limits import Buckets, LocalLimits, OpenStreams
from app.api.openai import joint
from app.api.sse import frame
from app.errors import ConfigurationError, NotAllowed, TooManyRequests

KEY = bytes(range(32))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_opens_its_conversation_until_it_expires() -> None:
    clock = Clock()
    tokens = Tokens(KEY, 60, clock)
    token = tokens.issue("c_1")
    assert tokens.conversation_of(token) == "c_1"
    clock.now += 60
    with pytest.raises(NotAllowed, match="expired"):
        tokens.conversation_of(token)


@given(st.text(max_size=80))
def test_no_made_up_token_opens_anything(made_up: str) -> None:
    with pytest.raises(NotAllowed):
        Tokens(KEY, 60).conversation_of(made_up)


def test_a_token_signed_by_another_key_is_refused() -> None:
    with pytest.raises(NotAllowed, match="not one of ours"):
        Tokens(KEY, 60).conversation_of(Tokens(bytes(32), 60).issue("c_1"))


def test_an_unsigned_token_is_refused() -> None:
    def part(content: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    unsigned = f"{part({'alg': 'none'})}.{part({'sub': 'c_1', 'aud': 'shopper', 'exp': 9_999_999_999})}."
    with pytest.raises(NotAllowed):
        Tokens(KEY, 60).conversation_of(unsigned)


def test_a_token_for_another_audience_is_refused() -> None:
    claims = {"sub": "c_1", "aud": "desk", "exp": 9_999_999_999}
    with pytest.raises(NotAllowed, match="not one for shoppers"):
        Tokens(KEY, 60).conversation_of(jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(KEY)))


def test_a_bucket_gives_what_it_holds_then_refills() -> None:
    clock = Clock()
    buckets = Buckets(3, clock)
    for _ in range(3):
        buckets.take("a")
    with pytest.raises(TooManyRequests) as refused:
        buckets.take("a")
    assert refused.value.retry_after_seconds == 20
    buckets.take("b")
    clock.now += 20
    buckets.take("a")


def test_a_limit_of_zero_is_no_limit() -> None:
    buckets = Buckets(0)
    for _ in range(1000):
        buckets.take("a")


async def test_a_request_that_one_limit_refuses_is_counted_by_none() -> None:
    clock = Clock()
    limits = LocalLimits({"address": 5, "conversation": 1}, clock)
    await limits.take(("address", "a"), ("conversation", "c"))
    for _ in range(10):
        with pytest.raises(TooManyRequests, match="this conversation") as refused:
            await limits.take(("address", "a"), ("conversation", "c"))
        assert refused.value.retry_after_seconds == 60
    for _ in range(4):
        await limits.take(("address", "a"))
    with pytest.raises(TooManyRequests, match="this address"):
        await limits.take(("address", "a"), ("conversation", "d"))
    await limits.take(("unheard of", "a"))


def test_streams_are_counted_while_they_are_open() -> None:
    streams = OpenStreams({"address": 2, "conversation": 0})
    with streams.held(("address", "a"), ("conversation", "c")), streams.held(("address", "a")):
        with pytest.raises(TooManyRequests), streams.held(("address", "a")):
            pass
        with streams.held(("address", "b")):
            pass
    with streams.held(("address", "a")):
        pass


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "master.key"
    key = load_or_make_key(path)
    assert len(key) == 32
    assert load_or_make_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_make_token(tmp_path / "api-key") == load_or_make_token(tmp_path / "api-key")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["api-key", "secrets"]


@pytest.mark.parametrize("text", ["", "short", "!!!", base64.b64encode(bytes(31)).decode()])
def test_a_key_that_is_no_key_says_where_it_came_from(text: str) -> None:
    with pytest.raises(ConfigurationError, match="XIAOER_MASTER_KEY"):
        decode_key(text, "XIAOER_MASTER_KEY")


@given(st.text())
def test_an_event_is_always_one_line_of_data(text: str) -> None:
    framed = frame("reply.sentence", {"text": text.encode("utf-8", "replace").decode()}, 7)
    head, data, end, rest = framed.decode().split("\n", 3)[0], *framed.decode().split("\n")[1:4]
    assert head == "id: 7"
    assert data == "event: reply.sentence"
    assert end.startswith("data: {")
    assert rest == ""
    assert framed.count(b"\n") == 4


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [("One.", "Two.", " "), ("一。", "二。", ""), ("一。", "Two", ""), ("", "Two", ""), ("One", "\nTwo", "")],
)
def test_sentences_join_as_their_language_is_written(before: str, after: str, between: str) -> None:
    assert joint(before, after) == between
