"""The servers that other tests lean on start, answer and are empty."""

from __future__ import annotations

import socket

import pytest
from sqlalchemy import text

from app.adapters.db.engine import Database

pytestmark = pytest.mark.integration


async def test_a_private_postgres_takes_a_transaction(postgres_url: str) -> None:
    pytest.importorskip("psycopg", reason="the postgres extra is not installed")
    database = Database(postgres_url)
    try:
        assert await database.run(lambda c: c.execute(text("select 1 + 1")).scalar_one()) == 2
    finally:
        database.close()


def test_a_private_redis_answers_a_ping(redis_url: str) -> None:
    port = int(redis_url.rsplit(":", 1)[1].split("/", maxsplit=1)[0])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(64) == b"+PONG\r\n"
