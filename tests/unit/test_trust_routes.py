"""Trust over HTTP: what is certified is told to staff, the owner chooses and takes back, any turn is explained."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.adapters.db.conversations import SqlEventLog
from app.adapters.trust.files import FileTrust
from app.bootstrap import FITTED
from app.explain_parts import make_explainer
from app.main import create_app
from app.trust_parts import Certificates
from tests.edge import API_KEY, MASTER, FakeShops, make_container, migrated_database
from tests.unit.test_trust_files import a_certificate

KEY = {"x-api-key": API_KEY}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    database = migrated_database(tmp_path)
    folder = tmp_path / "calibration" / "hill"
    folder.mkdir(parents=True)
    (folder / "certificate.json").write_text(json.dumps(a_certificate().as_json()), encoding="utf-8")
    container = make_container(
        tmp_path,
        trust=Certificates(FileTrust(tmp_path, 0.7, "fake", "m1"), Shelf()),
        explainer=make_explainer(database, SqlEventLog(database, MASTER), FITTED),
    )
    transport = httpx.ASGITransport(app=create_app(container))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as opened:
        yield opened
    await container.conversations.close()
    await container.close()
    database.close()


class Shelf(FakeShops):
    """Shops whose live release holds nothing that was certified."""

    async def chunks(self, shop: str, release: int) -> list[object]:
        return []


async def test_the_owner_chooses_a_limit_and_takes_it_back(client: httpx.AsyncClient) -> None:
    told = (await client.get("/v1/knowledge/trust?shop=hill", headers=KEY)).json()
    assert told["certificate"]["id"] == "cert-1"
    assert told["stale"] == "knowledge"
    chosen = await client.post("/v1/knowledge/trust", json={"shop": "hill", "alpha": 0.05}, headers=KEY)
    assert chosen.json()["alpha"] == 0.05
    refused = await client.post("/v1/knowledge/trust", json={"shop": "hill", "alpha": 0.02}, headers=KEY)
    assert refused.status_code == 422
    assert "does not support" in refused.json()["detail"]
    back = await client.post("/v1/knowledge/trust/undo", json={"shop": "hill"}, headers=KEY)
    assert back.json()["alpha"] is None
    assert (await client.post("/v1/knowledge/trust/undo", json={"shop": "hill"}, headers=KEY)).status_code == 409


async def test_a_turn_is_explained_by_its_message_or_its_conversation(client: httpx.AsyncClient) -> None:
    begun = (await client.post("/v1/conversations", json={"shop": "hill"})).json()
    token = {"authorization": f"Bearer {begun['token']}"}
    address = f"/v1/conversations/{begun['id']}/messages"
    reply = (await client.post(address, json={"text": "Can I return it?"}, headers=token)).json()
    for turn in (f"{begun['id']}/{reply['message_id']}", reply["message_id"], begun["id"]):
        told = (await client.get("/v1/knowledge/explain", params={"turn": turn}, headers=KEY)).json()
        assert told["decision"] == reply["decision"]
        assert told["conversation_id"] == begun["id"]
        assert told["sentences"]
    assert (await client.get("/v1/knowledge/explain", params={"turn": "c_none"}, headers=KEY)).status_code == 404
    assert (await client.get("/v1/knowledge/explain", headers=KEY)).status_code == 422


async def test_strangers_learn_nothing(client: httpx.AsyncClient) -> None:
    for path in ("/v1/knowledge/trust", "/v1/knowledge/explain?turn=c_1"):
        assert (await client.get(path)).status_code == 401
