"""Accounts, sessions, one-time links, and who may do what."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.adapters.db.engine import Database
from app.adapters.db.staff import SqlStaffBook
from app.errors import BadInput, Conflict, Forbidden, NotAllowed, NotFound, TooManyRequests
from app.staff.account import Account, Role, login_of
from app.staff.attempts import Attempts
from app.staff.door import Door, csrf_of, hashed, is_csrf_of
from app.staff.first_run import let_demo_in
from app.staff.passwords import random_password
from tests.edge import migrated_database

GOOD = "correct horse battery"
HERE = "192.0.2.7"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 5, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = migrated_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def door(database: Database, clock: Clock) -> Door:
    return Door(SqlStaffBook(database), clock=clock, attempts=Attempts(lambda: clock().timestamp()))


async def test_the_right_password_opens_a_session_and_a_wrong_one_tells_nothing(door: Door) -> None:
    await door.add("Mei", "小梅", Role.EDITOR, "tangli", GOOD)
    signed = await door.sign_in(" MEI ", GOOD, HERE)
    session = await door.session_of(signed.token)
    assert session is not None
    assert session.account.name == "小梅"
    with pytest.raises(NotAllowed) as wrong:
        await door.sign_in("mei", "something else", HERE)
    with pytest.raises(NotAllowed) as unknown:
        await door.sign_in("nobody", GOOD, HERE)
    assert str(wrong.value) == str(unknown.value)


async def test_neither_the_password_nor_the_token_is_stored(door: Door, database: Database, tmp_path: Path) -> None:
    await door.add("mei", "", Role.EDITOR, "", GOOD)
    signed = await door.sign_in("mei", GOOD, HERE)
    link = await door.link_for("mei")
    database.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240
    assert b"$argon2id$" in kept
    assert hashed(signed.token).encode() in kept
    for secret in (GOOD, signed.token, link):
        assert secret.encode() not in kept


async def test_a_session_ends_when_it_is_not_used_and_at_the_latest_after_half_a_day(door: Door, clock: Clock) -> None:
    await door.add("mei", "", Role.EDITOR, "", GOOD)
    token = (await door.sign_in("mei", GOOD, HERE)).token
    clock.move(hours=2, minutes=59)
    assert await door.session_of(token)
    clock.move(hours=2, minutes=59)
    assert await door.session_of(token), "it was used in between"
    clock.move(hours=3)
    assert await door.session_of(token) is None
    token = (await door.sign_in("mei", GOOD, HERE)).token
    for _ in range(11):
        clock.move(hours=1)
        assert await door.session_of(token)
    clock.move(hours=1)
    assert await door.session_of(token) is None


async def test_signing_out_ends_the_session(door: Door) -> None:
    await door.add("mei", "", Role.EDITOR, "", GOOD)
    token = (await door.sign_in("mei", GOOD, HERE)).token
    await door.sign_out(token)
    await door.sign_out(token)
    assert await door.session_of(token) is None
    assert await door.session_of("") is None


async def test_a_new_password_and_a_disabled_account_end_every_session_and_link(door: Door) -> None:
    account = await door.add("mei", "", Role.EDITOR, "", GOOD)
    token, link = (await door.sign_in("mei", GOOD, HERE)).token, await door.link_for("mei")
    await door.set_password("mei", GOOD + "!")
    assert await door.session_of(token) is None
    with pytest.raises(NotAllowed):
        await door.sign_in_by_link(link, HERE)
    token = (await door.sign_in("mei", GOOD + "!", HERE)).token
    await door.book.set_disabled(account.account_id, True)
    assert await door.session_of(token) is None
    with pytest.raises(NotAllowed):
        await door.sign_in("mei", GOOD + "!", HERE)
    await door.book.set_disabled(account.account_id, False)
    assert (await door.sign_in("mei", GOOD + "!", HERE)).account == account


async def test_changing_ones_own_password_needs_the_old_one_and_keeps_one_signed_in(door: Door) -> None:
    account = await door.add("mei", "", Role.EDITOR, "", GOOD)
    before = (await door.sign_in("mei", GOOD, HERE)).token
    with pytest.raises(NotAllowed):
        await door.change_password(account, "not the old one", "a new and long one", HERE)
    assert await door.session_of(before)
    after = (await door.change_password(account, GOOD, "a new and long one", HERE)).token
    assert await door.session_of(before) is None
    assert await door.session_of(after)


async def test_a_link_signs_in_once_and_only_for_an_hour(door: Door, clock: Clock) -> None:
    await door.add("mei", "", Role.ADMIN, "", None)
    token = await door.link_for("mei")
    assert (await door.sign_in_by_link(token, HERE)).account.role is Role.ADMIN
    with pytest.raises(NotAllowed):
        await door.sign_in_by_link(token, HERE)
    late = await door.link_for("mei")
    clock.move(hours=1)
    with pytest.raises(NotAllowed):
        await door.sign_in_by_link(late, HERE)


async def test_an_account_without_a_password_has_none_that_fits(door: Door) -> None:
    await door.add("mei", "", Role.ADMIN, "", None)
    for guess in ("", "None", GOOD):
        with pytest.raises(NotAllowed):
            await door.sign_in("mei", guess, HERE)


async def test_guessing_gets_slower_and_the_owner_elsewhere_is_not_locked_out(door: Door, clock: Clock) -> None:
    await door.add("mei", "", Role.EDITOR, "", GOOD)
    for _ in range(5):
        with pytest.raises(NotAllowed):
            await door.sign_in("mei", "a guess", HERE)
    with pytest.raises(TooManyRequests) as told:
        await door.sign_in("mei", GOOD, HERE)
    assert told.value.retry_after_seconds == 30
    assert await door.sign_in("mei", GOOD, "198.51.100.1")
    clock.move(seconds=30)
    with pytest.raises(NotAllowed):
        await door.sign_in("mei", "a guess", HERE)
    clock.move(seconds=59)
    with pytest.raises(TooManyRequests):
        await door.sign_in("mei", GOOD, HERE)
    clock.move(seconds=1)
    assert await door.sign_in("mei", GOOD, HERE)


async def test_a_clock_that_leaps_an_hour_and_back_locks_nobody_out(database: Database, clock: Clock) -> None:
    door = Door(SqlStaffBook(database), clock=clock)
    await door.add("mei", "", Role.EDITOR, "", GOOD)
    signed = await door.sign_in("mei", GOOD, HERE)
    clock.move(hours=1)
    for _ in range(5):
        with pytest.raises(NotAllowed):
            await door.sign_in("mei", "a guess", HERE)
    ahead = await door.session_of(signed.token)
    clock.move(hours=-1)
    with pytest.raises(TooManyRequests) as told:
        await door.sign_in("mei", GOOD, HERE)
    assert 25 <= told.value.retry_after_seconds <= 30
    assert ahead is not None
    await door.session_of(signed.token)
    back = await door.session_of(signed.token)
    assert back is not None
    assert back.seen_at == clock()


async def test_a_thousand_guesses_at_the_same_moment_are_a_thousand_tries(door: Door) -> None:
    await door.add("mei", "", Role.EDITOR, "", GOOD)
    tries = [door.sign_in("mei", f"guess {n}", HERE) for n in range(40)]
    told = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(error, NotAllowed) for error in told) == 5
    assert sum(isinstance(error, TooManyRequests) for error in told) == 35


async def test_one_address_that_tries_many_logins_is_slowed_too(door: Door) -> None:
    for number in range(20):
        with pytest.raises(NotAllowed):
            await door.sign_in(f"user{number}", "a guess", HERE)
    with pytest.raises(TooManyRequests):
        await door.sign_in("user99", "a guess", HERE)


async def test_a_login_is_taken_once_and_must_look_like_one(door: Door) -> None:
    await door.add("mei", "", Role.EDITOR, "", GOOD)
    with pytest.raises(Conflict):
        await door.add("MEI", "", Role.AGENT, "", GOOD)
    for login in ("", "x", "two words", "../up", "小梅"):
        with pytest.raises(BadInput):
            login_of(login)
    with pytest.raises(NotFound):
        await door.link_for("nobody")
    with pytest.raises(BadInput):
        await door.add("lee", "", Role.AGENT, "", "short")


def test_roles_and_shops_say_what_an_account_reaches() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    editor = Account("1", "mei", "Mei", Role.EDITOR, "tangli", now)
    admin = Account("2", "root", "Root", Role.ADMIN, "", now)
    assert editor.may((Role.EDITOR,))
    assert editor.may(())
    assert not editor.may((Role.AGENT, Role.SUPERVISOR))
    assert admin.may((Role.AGENT,))
    assert editor.works_for("tangli")
    assert not editor.works_for("larchwood")
    assert admin.works_for("larchwood")


async def test_the_demo_makes_its_admin_once_and_a_link_at_every_start(door: Door) -> None:
    first = await let_demo_in(door)
    again = await let_demo_in(door)
    assert (await door.sign_in("demo", first.password, HERE)).account.role is Role.ADMIN
    assert again.password == ""
    assert first.link_token != again.link_token
    assert (await door.sign_in_by_link(again.link_token, HERE)).account.login == "demo"


async def test_the_demo_gives_nobody_away_where_there_are_accounts_already(door: Door) -> None:
    await door.add("mei", "", Role.ADMIN, "", GOOD)
    told = await let_demo_in(door)
    assert (told.password, told.link_token) == ("", "")
    assert [account.login for account in await door.book.accounts()] == ["mei"]


def test_a_csrf_token_fits_its_own_session_only() -> None:
    assert is_csrf_of("one", csrf_of("one"))
    assert not is_csrf_of("two", csrf_of("one"))
    assert not is_csrf_of("one", "")
    assert not is_csrf_of("one", "é")


def test_random_passwords_differ_and_are_long_enough() -> None:
    assert len({random_password() for _ in range(50)}) == 50
    assert len(random_password()) >= 16


def test_an_error_for_staff_who_may_not_is_a_403() -> None:
    assert Forbidden.status == 403
