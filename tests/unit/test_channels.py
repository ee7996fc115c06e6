"""Channels without sockets: signatures, what events come to, and what Chatwoot's payloads say."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.channels.book import FileChannelBook
from app.adapters.channels.chatwoot import ChatwootChannel
from app.adapters.channels.webhook import WebhookChannel
from app.channels.channel import ChannelConfig, Happened, LetterKind
from app.channels.signing import check_chatwoot, check_standard, new_secret, sign_chatwoot, sign_standard
from app.channels.tell import letters_of
from app.conversation.events import Event, EventType
from app.errors import BadInput, ConfigurationError, Forbidden, NotAllowed, NotFound
from tests.builders import a_brand

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
STAMP = int(NOW.timestamp())
SECRET = "whsec_" + "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
FRONT = ChannelConfig("front", "chatwoot", "tea", "https://chat.example.com", "s", "t", 3)
APP = ChannelConfig("app", "webhook", "tea", "https://shop.example.com/x", SECRET, has_staff=False)


FIELDS = ["id", "status", "meta", "sender", "type", "identity", "thread", "text", "data", "messages", "hmac_verified"]


def test_the_example_of_the_standard_is_signed_as_it_says() -> None:
    # From the specification's own test data: secret, id, time, body and what comes of them.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    signed = sign_standard(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(max_size=200), st.integers(-300, 300))
def test_what_is_signed_within_five_minutes_passes_in_both_schemes(body: bytes, off: int) -> None:
    stamp = STAMP + off
    chatwoot = {"x-chatwoot-timestamp": str(stamp), "x-chatwoot-signature": sign_chatwoot("s", body, stamp)}
    assert check_chatwoot("s", chatwoot | {"x-chatwoot-delivery": "d1"}, body, NOW).delivery_id == "d1"
    standard = {
        "webhook-id": "d1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign_standard(SECRET, "d1", stamp, body),
    }
    assert check_standard(SECRET, standard, body, NOW).delivery_id == "d1"


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_one_seal_belongs_to_one_body(one: bytes, other: bytes) -> None:
    def seal(body: bytes, id_: str) -> str:
        signed = {"x-chatwoot-timestamp": str(STAMP), "x-chatwoot-signature": sign_chatwoot("s", body, STAMP)}
        return check_chatwoot("s", signed | {"x-chatwoot-delivery": id_}, body, NOW).seal

    assert (seal(one, "a") == seal(other, "b")) == (one == other)


@pytest.mark.parametrize("stamp", ["", "now", "-5", "1e9", "١٢٣", "9" * 30, str(STAMP + 301), str(STAMP - 301)])
def test_a_timestamp_that_is_none_or_off_is_refused(stamp: str) -> None:
    body = b"{}"
    signed = {"x-chatwoot-timestamp": stamp, "x-chatwoot-signature": sign_chatwoot("s", body, STAMP)}
    with pytest.raises(NotAllowed):
        check_chatwoot("s", signed, body, NOW)


@pytest.mark.parametrize("change", ["body", "id", "signature", "no secret"])
def test_whatever_was_changed_is_refused(change: str) -> None:
    headers = {
        "webhook-id": "d2" if change == "id" else "d1",
        "webhook-timestamp": str(STAMP),
        "webhook-signature": sign_standard(SECRET, "d1", STAMP, b"{}"),
    }
    if change == "signature":
        headers["webhook-signature"] = "v1,AAAA v1a,BBBB nonsense"
    with pytest.raises(NotAllowed):
        check_standard("" if change == "no secret" else SECRET, headers, b"{} " if change == "body" else b"{}", NOW)


def test_a_secret_that_is_none_is_said_to_be_none() -> None:
    assert new_secret() != new_secret()
    for secret in ("whsec_", "whsec_short", "whsec_***"):
        with pytest.raises(ConfigurationError):
            sign_standard(secret, "d", STAMP, b"")


def event(seq: int, type_: EventType, **payload: Any) -> Event:
    return Event("c1", seq, type_, NOW + timedelta(seconds=seq), payload)


def reply(seq: int, text: str = "Within 30 days.", **about: Any) -> Event:
    citation = {"path": "faq.csv", "locator": "row 4 | Can I return it?", "document_id": "d", "quote": text}
    told = {"text": text, "message_id": f"m{seq}", "decision": "answer", "citations": [citation], "language": "en"}
    return event(seq, EventType.COMPLETED, message_id=f"m{seq}", answers=[f"m{seq}"], reply=told | about)


def told(*events: Event, after: int = 0, config: ChannelConfig = FRONT) -> list[tuple[LetterKind, Any]]:
    return [(letter.kind, letter.content) for letter in letters_of(events, after, config, a_brand(), "en")]


def test_a_reply_becomes_a_message_with_its_sources_named_by_their_question() -> None:
    [(kind, said)] = told(reply(2))
    assert (kind, said["text"], said["by"]) == (LetterKind.MESSAGE, "Within 30 days.", "bot")
    assert said["footer"] == "Sources: Can I return it?"


def test_the_disclosure_goes_with_the_first_reply_only() -> None:
    first, second = told(reply(2), reply(4))
    assert "AI assistant" in first[1]["disclosure"]
    assert "disclosure" not in second[1]
    assert "disclosure" not in told(reply(2), reply(4), after=2)[0][1]


def test_events_that_were_told_before_are_not_told_again() -> None:
    assert told(reply(2), after=2) == []


def test_a_silent_reply_is_no_message() -> None:
    assert told(reply(2, "", decision="handoff")) == []


def test_a_hand_over_is_a_note_and_a_call_and_its_line_stands_in_the_reply() -> None:
    call = event(4, EventType.HANDOFF, reason="asked_for_human", text="I am calling.", message_id="m3", answers=["m1"])
    asked = event(1, EventType.RECEIVED, message_id="m1", text="a person please, order TC20260001")
    kinds = told(asked, reply(3, "I am calling.", decision="handoff"), call)
    assert [kind for kind, _ in kinds] == [LetterKind.MESSAGE, LetterKind.NOTE, LetterKind.HANDOFF]
    assert "Orders: TC20260001" in kinds[1][1]["text"]
    assert kinds[2][1]["reason"] == "asked_for_human"


def test_a_hand_over_outside_a_turn_brings_its_own_line_and_counts_files() -> None:
    call = event(4, EventType.HANDOFF, reason="policy", text="I am calling.", message_id="", files=2)
    kinds = told(call)
    assert kinds[0][1]["text"] == "I am calling."
    assert "2 attachment(s)" in kinds[1][1]["text"]


def test_what_people_over_there_did_is_not_told_to_them() -> None:
    theirs = {"agent": "channel:front"}
    events = (
        event(2, EventType.JOINED, **theirs),
        event(3, EventType.AGENT_SAID, **theirs, message_id="a", text="Hi"),
        event(4, EventType.LEFT, **theirs),
        event(5, EventType.CLOSED, by="channel:front"),
    )
    assert told(*events) == []


def test_what_people_here_did_is_told() -> None:
    mei = {"agent": "a1", "name": "Mei"}
    events = (
        event(2, EventType.AGENT_SAID, **mei, message_id="a", text="Hi"),
        event(3, EventType.LEFT, **mei),
        event(4, EventType.CLOSED, by="agent", outcome="solved"),
        event(5, EventType.NOTED, **mei, text="SECRET"),
        event(6, EventType.DRAFTED, text="SECRET"),
    )
    kinds = told(*events)
    assert [kind for kind, _ in kinds] == [LetterKind.MESSAGE, LetterKind.RESUME, LetterKind.CLOSED]
    assert kinds[0][1] == {"text": "Hi", "by": "agent", "name": "Mei", "message_id": "a"}


def test_an_erased_event_tells_nothing() -> None:
    assert told(event(2, EventType.COMPLETED)) == []


def a_message(**about: Any) -> bytes:
    conversation = {"id": 10, "status": "pending", "inbox_id": 1} | about.pop("conversation", {})
    payload = {"event": "message_created", "id": 118, "content": "hi", "message_type": "incoming", "private": False}
    return orjson.dumps(payload | {"account": {"id": 3}, "conversation": conversation} | about)


def test_a_message_in_chatwoots_older_words_is_read_too() -> None:
    arrival = ChatwootChannel(FRONT).read(
        a_message(message_type=0, created_at="2020-03-03 13:05:57 UTC", conversation={"id": None, "display_id": "10"})
    )
    assert arrival is not None
    assert (arrival.thread, arrival.message_id, arrival.held) == ("10", "118", False)
    assert arrival.at == datetime(2020, 3, 3, 13, 5, 57, tzinfo=UTC)


def test_who_the_shopper_is_counts_only_where_the_page_vouched_for_them() -> None:
    sender = {"meta": {"sender": {"identifier": "cust-7", "type": "contact"}}}
    channel = ChatwootChannel(FRONT)
    vouched = channel.read(a_message(conversation=sender | {"contact_inbox": {"hmac_verified": True}}))
    claimed = channel.read(a_message(conversation=sender | {"contact_inbox": {"hmac_verified": False}}))
    assert vouched is not None
    assert claimed is not None
    assert (vouched.identity.customer_id, claimed.identity.customer_id) == ("cust-7", "")


@pytest.mark.parametrize(
    ("event_", "status", "happened"),
    [
        ("conversation_opened", "open", Happened.TAKEN),
        ("conversation_status_changed", "snoozed", Happened.TAKEN),
        ("conversation_status_changed", "pending", Happened.GIVEN_BACK),
        ("conversation_opened", "pending", Happened.GIVEN_BACK),
        ("conversation_resolved", "resolved", Happened.ENDED),
    ],
)
def test_a_change_of_status_is_read_by_the_status_it_came_to(event_: str, status: str, happened: Happened) -> None:
    told_ = {"event": event_, "id": 10, "status": status, "account": {"id": 3}, "inbox_id": 1}
    arrival = ChatwootChannel(FRONT).read(orjson.dumps(told_))
    assert arrival is not None
    assert (arrival.happened, arrival.thread) == (happened, "10")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=12,
)


@given(JSON, JSON, JSON)
def test_no_signed_json_breaks_the_reader(first: Any, second: Any, third: Any) -> None:
    """Whatever it holds, it is read, ignored, or refused in words of ours."""
    bodies = (
        first,
        {"event": "message_created", "account": {"id": 3}, "conversation": first, "sender": second, "content": third},
        {"event": "conversation_opened", "account": first, "meta": second, "id": third, "status": "open"},
        {"type": "message.received", "data": first},
        {"type": "message.received", "data": {"thread": first, "message_id": second, "text": third}},
    )
    for body in bodies:
        for channel in (ChatwootChannel(FRONT), WebhookChannel(APP)):
            with contextlib.suppress(BadInput, Forbidden):
                channel.read(orjson.dumps(body))


def test_a_channel_file_is_private_and_read_again_when_it_changes(tmp_path: Path) -> None:
    book = FileChannelBook(tmp_path / "channels")
    book.put(FRONT)
    assert book.is_private("front")
    assert (tmp_path / "channels").stat().st_mode & 0o077 == 0
    first = book.channel("front")
    assert first is not None
    assert first.config == FRONT
    assert book.channel("front") is first
    book.put(ChannelConfig("front", "chatwoot", "tea", "https://other.example.com", "s2", "t", 3))
    again = book.channel("front")
    assert again is not None
    assert again.config.url == "https://other.example.com"
    book.remove("front")
    assert book.channel("front") is None
    with pytest.raises(NotFound):
        book.remove("front")


@pytest.mark.parametrize("name", ["", "../x", "Front", "a/b", "-a", "x" * 41])
def test_a_name_that_is_none_comes_near_no_path(tmp_path: Path, name: str) -> None:
    book = FileChannelBook(tmp_path / "channels")
    assert book.channel(name) is None
    with pytest.raises(BadInput):
        book.put(ChannelConfig(name, "webhook", "tea", "https://x", "s"))


def test_a_broken_channel_file_is_named_without_its_secrets(tmp_path: Path) -> None:
    folder = tmp_path / "channels"
    folder.mkdir()
    (folder / "front.json").write_text('{"kind": "chatwoot", "secret": "TOP-SECRET"}')
    with pytest.raises(ConfigurationError, match=r"front\.json") as raised:
        FileChannelBook(folder).channel("front")
    assert "TOP-SECRET" not in str(raised.value)


def test_secrets_do_not_show_when_a_channel_is_printed() -> None:
    assert "whsec" not in repr(APP)
    assert "secret" not in repr(FRONT)
