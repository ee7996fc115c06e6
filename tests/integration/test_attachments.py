"""Files over HTTP: to the person who has the conversation and back, sealed at rest, and to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.adapters.db.attachments import SqlAttachments
from app.adapters.db.conversations import SqlEventLog
from app.adapters.db.staff import SqlStaffBook
from app.conversation.attach import Allowance, Attachments, AttachmentStore
from app.conversation.events import Draft, EventType
from app.errors import NotFound
from app.staff.door import Door
from tests.edge import MASTER, make_container, migrated_database
from tests.fakes import FakeAttachmentStore
from tests.integration.serving import Shopper, served
from tests.integration.test_desk import Floor
from tests.integration.test_http import assert_problem
from tests.pictures import a_pdf, a_picture, an_archive, pixels_of

pytestmark = pytest.mark.integration
PHOTO = a_picture("JPEG", (64, 48))


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    database = migrated_database(tmp_path)
    door = Door(SqlStaffBook(database))
    container = make_container(tmp_path, door=door)
    async with served(container) as client:
        yield Floor(client, container, door)
    database.close()


async def send(shopper: Shopper, data: bytes, **asked: str) -> httpx.Response:
    return await shopper.client.post(f"{shopper.path}/attachments", params=asked, content=data, headers=shopper.headers)


async def files_of(shopper: Shopper) -> list[dict[str, Any]]:
    """What the shopper is told of files, in the whole conversation."""
    await shopper.post("close")
    return [data for _, name, data in await shopper.follow() if name == "attachment.added"]


async def fetch(shopper: Shopper, attachment_id: str) -> httpx.Response:
    return await shopper.client.get(f"{shopper.path}/attachments/{attachment_id}", headers=shopper.headers)


async def test_a_photo_reaches_the_agent_and_the_agents_document_the_shopper(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    shopper, id_ = await floor.waiting()
    await mei.act(id_, "claim")
    sent = await send(shopper, PHOTO, name="broken kettle.JPG")
    assert sent.status_code == 201, sent.text
    told = sent.json()
    assert (told["name"], told["media_type"], told["width"]) == ("broken kettle.jpg", "image/jpeg", 64)
    path = f"/v1/desk/conversations/{id_}/attachments"
    seen = await floor.client.get(f"{path}/{told['attachment_id']}", headers=mei.headers)
    assert pixels_of(seen.content) == pixels_of(PHOTO)
    events = (await mei.get(f"conversations/{id_}"))["events"]
    assert [e["data"]["name"] for e in events if e["type"] == "attachment.added"] == ["broken kettle.jpg"]
    answer = await floor.client.post(path, params={"name": "label"}, content=a_pdf(), headers=mei.headers)
    assert answer.status_code == 201, answer.text
    got = await files_of(shopper)
    assert [(data["name"], data.get("agent")) for data in got] == [("broken kettle.jpg", None), ("label.pdf", "Mei")]
    assert (await fetch(shopper, got[1]["attachment_id"])).content == a_pdf()


async def test_while_only_the_bot_is_there_it_says_that_a_person_will_look_at_it(floor: Floor) -> None:
    shopper = await floor.shopper()
    told = (await send(shopper, PHOTO)).json()
    assert "can't look at pictures" in told["text"]
    shown = (await files_of(shopper))[0]
    assert shown["text"] == told["text"]
    assert (shown["name"], shown["size_bytes"]) == ("picture.jpg", told["size_bytes"])


async def test_only_who_has_the_conversation_sends_the_shopper_files(floor: Floor) -> None:
    mei, tom = [await (await floor.colleague(name)).here() for name in ("mei", "tom")]
    _, id_ = await floor.waiting()
    path = f"/v1/desk/conversations/{id_}/attachments"
    assert_problem(await floor.client.post(path, content=PHOTO, headers=mei.headers), 409, "conflict")
    await mei.act(id_, "claim")
    assert_problem(await floor.client.post(path, content=PHOTO, headers=tom.headers), 409, "conflict")
    assert (await floor.client.post(path, content=PHOTO, headers=mei.headers)).status_code == 201


async def test_a_file_is_the_conversations_and_nobody_elses(floor: Floor) -> None:
    mine, theirs = await floor.shopper(), await floor.shopper()
    id_ = (await send(mine, PHOTO)).json()["attachment_id"]
    answers = [await fetch(theirs, id_), await fetch(theirs, "f_" + "x" * 24)]
    for answer in answers:
        assert_problem(answer, 404, "not-found")
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    stolen = await floor.client.get(f"{mine.path}/attachments/{id_}", headers=theirs.headers)
    assert_problem(stolen, 404, "not-found")
    assert (await floor.client.get(f"{mine.path}/attachments/{id_}")).status_code == 401
    elsewhere = await floor.colleague("ann", shop="other")
    path = f"/v1/desk/conversations/{mine.started['id']}/attachments/{id_}"
    assert (await floor.client.get(path, headers=elsewhere.headers)).status_code == 404
    assert (await floor.client.get(path)).status_code == 401


@pytest.mark.parametrize(
    "data", [b"hello", b"<svg onload=alert(1)>", an_archive(), PHOTO + an_archive(), PHOTO[:100], a_pdf(b"/JavaScript")]
)
async def test_what_is_not_taken_leaves_no_trace(floor: Floor, data: bytes) -> None:
    shopper = await floor.shopper()
    assert_problem(await send(shopper, data, name="photo.jpg"), 415, "unwanted-file")
    assert await files_of(shopper) == []


async def test_fifty_megabytes_are_refused_before_they_are_read(floor: Floor) -> None:
    shopper = await floor.shopper()
    url = floor.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        f"POST {shopper.path}/attachments HTTP/1.1\r\nHost: x\r\nAuthorization: {shopper.headers['authorization']}\r\n"
    )
    writer.write(f"{head}Content-Length: {50 * 1024**2}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(2_000), 10)  # not a byte of the body was sent
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"problems/too-large" in answer


async def test_a_file_over_the_limit_and_an_empty_one_are_refused(floor: Floor) -> None:
    shopper = await floor.shopper()
    limit = Allowance().file_bytes
    answer = await send(shopper, PHOTO + bytes(limit - len(PHOTO) + 1))
    assert_problem(answer, 413, "too-large")
    assert "10 MB" in answer.json()["detail"]
    assert_problem(await send(shopper, b""), 422, "bad-input")


async def test_a_file_sent_twice_under_one_id_is_kept_once(floor: Floor) -> None:
    shopper = await floor.shopper()
    first, again = [(await send(shopper, PHOTO, client_message_id="f1")).json() for _ in range(2)]
    assert first["attachment_id"] == again["attachment_id"]
    assert len(await files_of(shopper)) == 1


async def test_a_conversation_holds_so_many_files_and_a_closed_one_takes_none(tmp_path: Path) -> None:
    container = make_container(tmp_path)
    assert container.attachments is not None
    container.attachments.allowance = Allowance(files=2)
    async with served(container) as client:
        shopper = await Shopper.begin(client, shop="hill")
        assert [(await send(shopper, PHOTO)).status_code for _ in range(3)] == [201, 201, 413]
        other = await Shopper.begin(client, shop="hill")
        await other.post("close", {})
        assert_problem(await send(other, PHOTO), 409, "conflict")


async def test_a_file_that_does_not_arrive_and_too_many_at_once_are_given_up(tmp_path: Path) -> None:
    container = make_container(tmp_path)
    files = container.attachments
    assert isinstance(files, Attachments)
    files.allowance = Allowance(seconds=0.05, arriving_bytes=100_000)

    async def slow() -> AsyncIterator[bytes]:
        yield PHOTO[:10]
        await asyncio.sleep(5)

    async def big() -> AsyncIterator[bytes]:
        yield bytes(60_000)
        await asyncio.sleep(0.02)

    async with served(container) as client:
        shopper = await Shopper.begin(client, shop="hill")
        id_ = str(shopper.started["id"])
        with pytest.raises(Exception, match="too long to arrive"):
            await files.take(id_, slow())
        ends = await asyncio.gather(files.take(id_, big()), files.take(id_, big()), return_exceptions=True)
        assert sum("on their way" in str(end) for end in ends) == 1
        assert files._arriving == 0


async def test_a_file_is_served_so_that_it_can_do_nothing(floor: Floor) -> None:
    shopper = await floor.shopper()
    for data, shown in ((PHOTO, "inline"), (a_pdf(), "attachment")):
        id_ = (await send(shopper, data, name='a;b"c\r\nx: y.pdf')).json()["attachment_id"]
        headers = (await fetch(shopper, id_)).headers
        assert headers["content-disposition"].startswith(f"{shown}; filename*=UTF-8''")
        assert "\n" not in headers["content-disposition"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in headers["content-security-policy"]
        assert headers["cache-control"] == "private, no-store"


@pytest.fixture(params=["fake", "sql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AttachmentStore]:
    if request.param == "fake":
        yield FakeAttachmentStore("c1", "c2")
        return
    database = migrated_database(tmp_path)
    log = SqlEventLog(database, MASTER)
    for id_ in ("c1", "c2"):
        await log.create(id_, "hill", Draft(EventType.STARTED, {"shop": "hill"}))
    yield SqlAttachments(database, MASTER)
    database.close()


async def test_a_store_gives_back_what_it_was_given_under_the_same_name_only(store: AttachmentStore) -> None:
    await store.put("c1", "f1", PHOTO)
    assert await store.get("c1", "f1") == PHOTO
    for conversation_id, attachment_id in (("c2", "f1"), ("c1", "f2"), ("c3", "f1")):
        with pytest.raises(NotFound):
            await store.get(conversation_id, attachment_id)
    with pytest.raises(NotFound):
        await store.put("c3", "f3", PHOTO)


async def test_at_rest_a_file_is_sealed_and_erasing_the_person_takes_it_away(tmp_path: Path) -> None:
    database = migrated_database(tmp_path)
    log, store = SqlEventLog(database, MASTER), SqlAttachments(database, MASTER)
    await log.create("c1", "hill", Draft(EventType.STARTED, {"shop": "hill"}))
    await store.put("c1", "f1", a_pdf(b"a secret"))
    assert b"a secret" not in _written(tmp_path)
    await log.erase("c1")
    with pytest.raises(NotFound):
        await store.get("c1", "f1")
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM attachments")).scalar() == 0
    database.close()


def _written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
