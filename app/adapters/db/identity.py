"""What shops have agreed on about identity tokens, sealed by the master key, and which tokens were used."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from sqlalchemy import Column, Connection, Integer, LargeBinary, String, Table, delete, insert, select, update

from app.adapters.db.engine import Database, metadata
from app.conversation.seal import MasterKey
from app.shop.identity import IdentityRule

rules = Table(
    "identity_rules",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
uses = Table(
    "identity_uses",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("uses", Integer, nullable=False),
    Column("until", Integer, nullable=False, index=True),
)
"""A row lives as long as its token, so the table holds no more than a day's."""


class SqlIdentityBook:
    """`IdentityBook` in SQL."""

    def __init__(self, database: Database, master: MasterKey) -> None:
        self._database = database
        self._master = master

    async def rule(self, shop: str) -> IdentityRule | None:
        """The shop's rule, opened."""
        query = select(rules.c.sealed).where(rules.c.shop == shop)
        sealed = await self._database.run(lambda connection: connection.execute(query).scalar())
        if sealed is None:
            return None
        told = orjson.loads(self._master.unwrap(sealed, _place(shop)))
        return IdentityRule(**told | {"secrets": tuple(told["secrets"])})

    async def put(self, rule: IdentityRule) -> None:
        """Keep it, in place of the one before."""
        sealed = self._master.wrap(orjson.dumps(asdict(rule)), _place(rule.shop))

        def write(connection: Connection) -> None:
            changed = update(rules).where(rules.c.shop == rule.shop).values(sealed=sealed)
            if not connection.execute(changed).rowcount:
                connection.execute(insert(rules).values(shop=rule.shop, sealed=sealed))

        await self._database.run(write)

    async def drop(self, shop: str) -> None:
        """Forget it."""
        await self._database.run(lambda connection: connection.execute(delete(rules).where(rules.c.shop == shop)))

    async def use(self, token_hash: str, until: int, now: int) -> int:
        """Count one use in one transaction: of two at the same moment one is the second."""

        def count(connection: Connection) -> int:
            connection.execute(delete(uses).where(uses.c.until < now))
            one_more = update(uses).where(uses.c.token_hash == token_hash).values(uses=uses.c.uses + 1)
            if connection.execute(one_more).rowcount:
                found = connection.execute(select(uses.c.uses).where(uses.c.token_hash == token_hash)).scalar_one()
                return int(found)
            connection.execute(insert(uses).values(token_hash=token_hash, uses=1, until=until))
            return 1

        return await self._database.run(count)


def _place(shop: str) -> str:
    return f"identity rule of {shop}"
