"""Accounts, sessions and one-time links in SQL."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.adapters.db.engine import Database
from app.adapters.db.staff_tables import accounts, links, sessions
from app.errors import Conflict, NotFound
from app.staff.account import Account, Role
from app.staff.ports import Session


class SqlStaffBook:
    """The staff book of app.staff.ports, one transaction an act."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, login: str, name: str, role: Role, shop: str, password_hash: str | None) -> Account:
        """A new account. Raises Conflict when the login is taken."""
        account = Account(uuid.uuid4().hex, login, name, role, shop, datetime.now(UTC))
        values = {
            "account_id": account.account_id,
            "login": login,
            "name": name,
            "role": role.value,
            "shop": shop,
            "password_hash": password_hash,
            "disabled": False,
            "created_at": account.created_at,
        }
        try:
            await self._database.run(lambda connection: connection.execute(insert(accounts).values(values)))
        except IntegrityError as problem:
            raise Conflict(f"There is an account {login!r} already. Nothing was changed.") from problem
        return account

    async def accounts(self) -> list[Account]:
        """All of them, oldest first."""
        query = select(accounts).order_by(accounts.c.created_at, accounts.c.login)
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return [_account(row) for row in rows]

    async def account(self, login: str) -> Account:
        """Raises NotFound."""
        query = select(accounts).where(accounts.c.login == login)
        row = await self._database.run(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"There is no account {login!r}. `xiaoer staff list` shows those there are.")
        return _account(row)

    async def password_of(self, login: str) -> tuple[Account | None, str | None]:
        """The account and its hash; (None, None) when there is no such account or it is disabled."""
        query = select(accounts).where(accounts.c.login == login, accounts.c.disabled.is_(False))
        row = await self._database.run(lambda connection: connection.execute(query).first())
        return (None, None) if row is None else (_account(row), row.password_hash)

    async def set_password(self, account_id: str, password_hash: str | None) -> None:
        """Change it or take it away, and end every session and link of the account."""

        def work(connection: Connection) -> None:
            matching = accounts.c.account_id == account_id
            connection.execute(update(accounts).where(matching).values(password_hash=password_hash))
            _end_all(connection, account_id)

        await self._database.run(work)

    async def set_disabled(self, account_id: str, disabled: bool) -> None:
        """Let in no more (and end every session and link), or let in again."""

        def work(connection: Connection) -> None:
            connection.execute(update(accounts).where(accounts.c.account_id == account_id).values(disabled=disabled))
            _end_all(connection, account_id)

        await self._database.run(work)

    async def open_session(self, token_hash: str, account_id: str, now: datetime) -> None:
        """Remember a signed-in browser."""
        values = {"token_hash": token_hash, "account_id": account_id, "created_at": now, "seen_at": now}
        await self._database.run(lambda connection: connection.execute(insert(sessions).values(values)))

    async def session(self, token_hash: str) -> Session | None:
        """The session of that token, unless its account is disabled."""
        query = (
            select(accounts, sessions.c.token_hash, sessions.c.created_at.label("opened_at"), sessions.c.seen_at)
            .join_from(sessions, accounts, sessions.c.account_id == accounts.c.account_id)
            .where(sessions.c.token_hash == token_hash, accounts.c.disabled.is_(False))
        )
        row = await self._database.run(lambda connection: connection.execute(query).first())
        return None if row is None else Session(row.token_hash, _account(row), row.opened_at, row.seen_at)

    async def touch(self, token_hash: str, now: datetime) -> None:
        """It was used just now."""
        statement = update(sessions).where(sessions.c.token_hash == token_hash).values(seen_at=now)
        await self._database.run(lambda connection: connection.execute(statement))

    async def end_session(self, token_hash: str) -> None:
        """Forget it. Twice is harmless."""
        statement = delete(sessions).where(sessions.c.token_hash == token_hash)
        await self._database.run(lambda connection: connection.execute(statement))

    async def end_stale(self, created_before: datetime, seen_before: datetime) -> None:
        """Forget what has expired."""
        stale = (sessions.c.created_at <= created_before) | (sessions.c.seen_at <= seen_before)
        await self._database.run(lambda connection: connection.execute(delete(sessions).where(stale)))

    async def add_link(self, token_hash: str, account_id: str, expires_at: datetime) -> None:
        """A link that signs the account in, once."""
        values = {"token_hash": token_hash, "account_id": account_id, "expires_at": expires_at}
        await self._database.run(lambda connection: connection.execute(insert(links).values(values)))

    async def use_link(self, token_hash: str, now: datetime) -> Account | None:
        """The account of a link that is still good; it never is again."""

        def work(connection: Connection) -> Row[tuple[object, ...]] | None:
            query = (
                select(accounts, links.c.expires_at)
                .join_from(links, accounts, links.c.account_id == accounts.c.account_id)
                .where(links.c.token_hash == token_hash, accounts.c.disabled.is_(False))
            )
            row = connection.execute(query).first()
            used = connection.execute(delete(links).where(links.c.token_hash == token_hash))
            connection.execute(delete(links).where(links.c.expires_at <= now))
            # Of two that come with the same link at once, one deletes the row, and only that one gets in.
            return row if row is not None and used.rowcount == 1 and row.expires_at > now else None

        row = await self._database.run(work)
        return None if row is None else _account(row)


def _end_all(connection: Connection, account_id: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.account_id == account_id))
    connection.execute(delete(links).where(links.c.account_id == account_id))


def _account(row: Row[tuple[object, ...]]) -> Account:
    return Account(
        account_id=row.account_id,
        login=row.login,
        name=row.name,
        role=Role(row.role),
        shop=row.shop,
        created_at=row.created_at,
        disabled=row.disabled,
    )
