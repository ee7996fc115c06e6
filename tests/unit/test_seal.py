"""Sealing and chaining, for any content."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from app.conversation.seal import MasterKey, first_link, new_data_key, next_link, seal, unseal
from app.errors import ConfigurationError

MASTER = MasterKey(bytes(32))
CIPHER = AESGCM(new_data_key())
LINKS = st.tuples(st.integers(1, 10**6), st.text(max_size=9), st.binary(max_size=50), st.text(max_size=9))


@given(st.binary(max_size=500), st.text(max_size=20), st.integers(1, 10**6))
def test_what_was_sealed_opens_at_its_own_place(plain: bytes, type_: str, seq: int) -> None:
    assert unseal(CIPHER, "c", seq, type_, seal(CIPHER, "c", seq, type_, plain)) == plain


@given(st.binary(max_size=50), st.integers(1, 1000), st.integers(1, 1000))
def test_a_sealed_event_opens_in_no_other_place(plain: bytes, seq: int, other: int) -> None:
    sealed = seal(CIPHER, "c", seq, "t", plain)
    for place in (("c", seq + other, "t"), ("d", seq, "t"), ("c", seq, "u")):
        with pytest.raises(InvalidTag):
            unseal(CIPHER, *place, sealed)


@given(st.binary(min_size=1, max_size=80), st.data())
def test_a_flipped_bit_never_opens(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(CIPHER, "c", 1, "t", plain))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InvalidTag):
        unseal(CIPHER, "c", 1, "t", bytes(sealed))


@given(LINKS, LINKS)
def test_two_different_events_never_make_the_same_link(one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    start = first_link("c")
    assert (next_link(start, *one) == next_link(start, *other)) == (one == other)


@given(st.lists(LINKS, min_size=2, max_size=6), st.data())
def test_the_end_of_a_chain_tells_of_every_event_before_it(chain: list, data: st.DataObject) -> None:  # type: ignore[type-arg]
    def end(links: list) -> bytes:  # type: ignore[type-arg]
        link = first_link("c")
        for part in links:
            link = next_link(link, *part)
        return link

    left_out = data.draw(st.integers(0, len(chain) - 1))
    assert end(chain) != end(chain[:left_out] + chain[left_out + 1 :])


def test_a_data_key_is_bound_to_its_conversation() -> None:
    wrapped = MASTER.wrap(key := new_data_key(), "c")
    assert MASTER.unwrap(wrapped, "c") == key
    with pytest.raises(ConfigurationError):
        MASTER.unwrap(wrapped, "d")


def test_another_master_key_opens_nothing_and_says_so() -> None:
    with pytest.raises(ConfigurationError, match="start with the key"):
        MasterKey(bytes([1] * 32)).unwrap(MASTER.wrap(new_data_key(), "c"), "c")


def test_a_master_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="16 bytes"):
        MasterKey(bytes(16))


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert MASTER.derive("a") != MASTER.derive("b")
    assert MASTER.derive("a") == MasterKey(bytes(32)).derive("a")
