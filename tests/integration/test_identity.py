"""Shoppers who are known: from the shop's signed token to their own orders, and to logging out."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from typer.testing import CliRunner

from app.adapters.db.identity import SqlIdentityBook
from app.adapters.jwks import FRESH_SECONDS, STALE_SECONDS, HttpPublicKeys
from app.api.identify import Identifier
from app.cli import app
from app.errors import Unavailable
from app.shop.identity import IdentityBook, IdentityRule
from tests.edge import MASTER, make_container, migrated_database
from tests.fakes import FakeAttendant, FakeIdentityBook, FakePublicKeys
from tests.integration.serving import Shopper, served
from tests.integration.test_http import KEY, assert_problem

SECRET = "xs_a-secret-of-the-shop-of-some-length"
ORDERS = [
    {
        "order_id": "HL20260001",
        "phone_last4": "4821",
        "customer_id": "c1",
        "status": "packed",
        "created_at": "2026-01-01",
    },
    {
        "order_id": "HL20260002",
        "phone_last4": "7755",
        "customer_id": "c2",
        "status": "lost",
        "created_at": "2026-01-02",
    },
]


def token_of(customer: str, **more: Any) -> str:
    told = {"sub": customer, "aud": "xiaoer:hill", "exp": int(time.time()) + 600, **more}
    return jwt.encode({"alg": "HS256"}, told, OctKey.import_key(SECRET.encode()))


def written_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


@pytest.fixture
def attendant() -> FakeAttendant:
    return FakeAttendant()


@pytest.fixture
async def client(tmp_path: Path, attendant: FakeAttendant) -> AsyncIterator[httpx.AsyncClient]:
    book = FakeIdentityBook(IdentityRule("hill", secrets=(SECRET,)))
    container = make_container(tmp_path, attendant, identifier=Identifier(book, FakePublicKeys()))
    async with served(container) as client:
        yield client


async def begin(client: httpx.AsyncClient, identity: Any = None, **headers: str) -> httpx.Response:
    return await client.post("/v1/conversations", json={"shop": "hill", "identity": identity}, headers=headers)


@pytest.mark.parametrize("shape", ["bare", "member"])
async def test_a_signed_token_makes_the_shopper_known(
    client: httpx.AsyncClient, attendant: FakeAttendant, shape: str
) -> None:
    token = token_of("c1")
    started = await begin(client, token if shape == "bare" else {"token": token, "customer_id": "c2"})
    assert started.status_code == 201
    assert started.json()["identified"] is True
    await Shopper(client, started.json()).say("hello")
    assert attendant.turns[-1].identity.customer_id == "c1"


async def test_who_brings_no_token_is_anonymous(client: httpx.AsyncClient, attendant: FakeAttendant) -> None:
    started = await begin(client)
    assert started.json()["identified"] is False
    await Shopper(client, started.json()).say("hello")
    assert attendant.turns[-1].identity.customer_id == ""


async def test_a_bad_token_begins_nothing_and_is_told_why(client: httpx.AsyncClient) -> None:
    for token in ("x.y.z", token_of("c1", aud="xiaoer:other"), token_of("c1", exp=1), token_of("c1")[:-3] + "abc"):
        assert_problem(await begin(client, token), 401, "identity-refused")


async def test_two_shoppers_who_ask_at_once_are_never_taken_for_each_other(
    client: httpx.AsyncClient, attendant: FakeAttendant
) -> None:
    shoppers = [Shopper(client, (await begin(client, token_of(f"c{n}"))).json()) for n in range(20)]
    await asyncio.gather(*(shopper.say("hello") for shopper in shoppers))
    for n, shopper in enumerate(shoppers):
        turn = next(t for t in attendant.turns if t.conversation_id == shopper.started["id"])
        assert turn.identity.customer_id == f"c{n}"


async def test_logging_out_ends_the_conversation_and_its_token(client: httpx.AsyncClient) -> None:
    shopper = Shopper(client, (await begin(client, token_of("c1"))).json())
    await shopper.say("hello")
    assert (await shopper.post("logout", {})).json() == {"status": "closed"}
    for answer in (
        await shopper.say("hello again"),
        await shopper.post("handoff", {}),
        await shopper.post("logout", {}),
        await client.get(f"{shopper.path}/events", headers=shopper.headers),
    ):
        assert_problem(answer, 401, "not-allowed")


async def test_logging_out_after_the_end_still_shuts_the_door(client: httpx.AsyncClient) -> None:
    shopper = Shopper(client, (await begin(client)).json())
    await shopper.post("close", {})
    assert (await client.get(f"{shopper.path}/events", headers=shopper.headers)).status_code == 200
    await shopper.post("logout", {})
    assert_problem(await client.get(f"{shopper.path}/events", headers=shopper.headers), 401, "not-allowed")


async def test_after_a_restart_the_door_is_still_shut(tmp_path: Path) -> None:
    async with served(make_container(tmp_path)) as client:
        out, stays = [Shopper(client, (await begin(client)).json()) for _ in range(2)]
        await out.post("logout", {})
    async with served(make_container(tmp_path)) as client:
        out.client = stays.client = client
        assert_problem(await out.say("hello"), 401, "not-allowed")
        assert (await stays.say("hello")).status_code == 200


async def test_a_token_opens_its_own_conversation_only_and_stands_nowhere_in_the_clear(tmp_path: Path) -> None:
    container = make_container(tmp_path)
    async with served(container) as client:
        shopper = Shopper(client, (await begin(client)).json())
        again = container.tokens.issue(shopper.started["id"])
        other = {"authorization": f"Bearer {again}"}
        assert_problem(await client.get(f"{shopper.path}/events", headers=other), 401, "not-allowed")
        token = shopper.started["token"]
    kept = written_under(tmp_path)
    assert token.encode() not in kept
    assert token.rpartition(".")[2].encode() not in kept


async def test_the_conversation_of_another_and_one_that_is_not_there_are_one_reply_and_no_look_up(
    tmp_path: Path,
) -> None:
    container = make_container(tmp_path)
    async with served(container) as client:
        mine, theirs = [Shopper(client, (await begin(client)).json()) for _ in range(2)]
        looked: list[str] = []
        look = container.conversations.look

        async def watched(conversation_id: str) -> Any:
            looked.append(conversation_id)
            return await look(conversation_id)

        container.conversations.look = watched  # type: ignore[method-assign]
        bodies = []
        for id_ in (theirs.started["id"], "c_" + "x" * 24):
            answer = await client.get(f"/v1/conversations/{id_}/events", headers=mine.headers)
            assert_problem(answer, 404, "not-found")
            bodies.append({k: v for k, v in answer.json().items() if k != "instance"})
        assert bodies[0] == bodies[1]
        assert looked == []  # the token alone decided: no look-up whose time could tell


async def test_the_desk_shows_a_known_customers_orders_and_never_a_tokens_hash(tmp_path: Path) -> None:
    from app.adapters.orders.file import FileOrderBook

    path = tmp_path / "orders.jsonl"
    path.write_text("\n".join(json.dumps(order) for order in ORDERS), encoding="utf-8")
    book = FakeIdentityBook(IdentityRule("hill", secrets=(SECRET,)))
    identifier = Identifier(book, FakePublicKeys())
    container = make_container(tmp_path, identifier=identifier, orders=FileOrderBook(lambda _: path))
    async with served(container) as client:
        started = (await begin(client, token_of("c1"))).json()
        seen = await client.get(f"/v1/desk/conversations/{started['id']}", headers=KEY)
        assert [order["order_id"] for order in seen.json()["orders"]] == ["HL20260001"]
        assert seen.json()["shopper"]["customer_id"] == "c1"
        assert "token_hash" not in seen.text


@pytest.fixture(params=["fake", "sql"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IdentityBook]:
    if request.param == "fake":
        yield FakeIdentityBook()
        return
    database = migrated_database(tmp_path)
    yield SqlIdentityBook(database, MASTER)
    database.close()


async def test_a_book_keeps_changes_and_forgets_rules_and_counts_tokens(book: IdentityBook) -> None:
    assert await book.rule("hill") is None
    rule = IdentityRule("hill", (SECRET, "old"), 9, audience="a", issuer="i", most_uses=2)
    for kept in (rule, IdentityRule("hill", jwks_url="https://x.example/jwks")):
        await book.put(kept)
        assert await book.rule("hill") == kept
    await book.drop("hill")
    await book.drop("hill")
    assert await book.rule("hill") is None
    assert [await book.use("a", 100, 50), await book.use("a", 100, 60), await book.use("b", 100, 60)] == [1, 2, 1]
    assert await book.use("a", 300, 101) == 1  # the first one has expired and is forgotten


async def test_a_secret_is_sealed_at_rest(tmp_path: Path) -> None:
    database = migrated_database(tmp_path)
    await SqlIdentityBook(database, MASTER).put(IdentityRule("hill", (SECRET,)))
    database.close()
    assert SECRET.encode() not in written_under(tmp_path)


class KeyServer:
    """A shop's address with its public keys, which can change them or fall silent."""

    def __init__(self) -> None:
        self.body: Any = {"keys": [{"kid": "one", "kty": "RSA"}]}
        self.status = 200
        self.asked = 0
        self.url = ""

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        headers = {"location": "http://127.0.0.1:9/"} if self.status == 302 else {}
        return web.json_response(self.body, status=self.status, headers=headers)


@pytest.fixture
async def key_server() -> AsyncIterator[KeyServer]:
    server = KeyServer()
    application = web.Application()
    application.router.add_get("/jwks.json", server.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json"
    yield server
    await runner.cleanup()


async def test_public_keys_are_kept_asked_for_again_when_new_and_outlive_a_silence(key_server: KeyServer) -> None:
    now = 0.0
    keys = HttpPublicKeys(lambda: now)
    for kid in ("one", "", "two", "two"):  # an unknown name asks again, but not within the minute
        assert [key["kid"] for key in await keys.read(key_server.url, kid)] == ["one"]
    assert key_server.asked == 1
    key_server.body = {"keys": [{"kid": "two"}]}
    now += 61
    assert [key["kid"] for key in await keys.read(key_server.url, "two")] == ["two"]
    key_server.status, now = 500, now + FRESH_SECONDS + 1
    assert [key["kid"] for key in await keys.read(key_server.url, "two")] == ["two"]
    now += STALE_SECONDS
    with pytest.raises(Unavailable):
        await keys.read(key_server.url, "two")


@pytest.mark.parametrize(
    ("status", "body"), [(302, {}), (404, {}), (200, []), (200, {"keys": []}), (200, {"keys": ["x"] * 50_000})]
)
async def test_what_is_no_list_of_keys_is_not_taken(key_server: KeyServer, status: int, body: Any) -> None:
    key_server.status, key_server.body = status, body
    with pytest.raises(Unavailable):
        await HttpPublicKeys().read(key_server.url)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XIAOER_HOME", str(tmp_path))
    shop = tmp_path / "shops" / "hill"
    shop.mkdir(parents=True)
    (shop / "brand.yaml").write_text("name: Hill\n", encoding="utf-8")
    return tmp_path


def command(*words: str) -> Any:
    return CliRunner().invoke(app, ["identity", *words, "--shop", "hill"])


def test_from_the_command_line_to_a_good_token_and_off_again(home: Path) -> None:
    made = command("secret", "--issuer", "https://hill.example")
    assert made.exit_code == 0
    assert made.stdout.startswith("xs_")
    token = command("sign", "c1").stdout.strip()
    assert "good" in command("check", token).stdout
    assert "c1" in command("check", token).stdout
    shown = json.loads(command("show", "--json").stdout)[0]
    assert (shown["algorithms"], shown["audience"]) == ("HS256", "xiaoer:hill")
    assert made.stdout.strip() not in command("show").stdout
    command("secret")
    assert command("check", token).exit_code == 0  # the old secret is good for a day
    command("secret", "--drop-old")
    bad = command("check", token)
    assert bad.exit_code == 1
    assert "signature" in bad.stderr
    assert command("off", "--yes").exit_code == 0
    assert "no identity tokens" in command("show").stdout


def test_public_keys_come_from_a_file_and_nonsense_changes_nothing(home: Path) -> None:
    key = RSAKey.generate_key(2048, {"kid": "one"})
    path = home / "jwks.json"
    path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}), encoding="utf-8")
    assert "1 public key" in command("keys", str(path)).stdout
    claims = {"sub": "c1", "aud": "xiaoer:hill", "exp": int(time.time()) + 60}
    assert command("check", jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)).exit_code == 0
    path.write_text("{}", encoding="utf-8")
    assert command("keys", str(path)).exit_code == 1
    assert command("keys", str(home / "none.json")).exit_code == 2
    assert command("keys", "http://shop.example/jwks.json").exit_code == 2
    assert json.loads(command("show", "--json").stdout)[0]["public keys"] == "a file"
