"""kill -9, again and again, while shoppers write over Chatwoot: every message is answered, and every hand-over made."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

import httpx
import pytest

from app.adapters.channels.book import FileChannelBook
from tests.fake_chatwoot import FakeChatwoot, Talk, chatwoot, until
from tests.integration.test_chatwoot import config_of
from tests.integration.test_kill import server

pytestmark = pytest.mark.integration

KILLS, TALKS = 4, 5
QUESTIONS = ("one", "two", "three")


async def say_all(chat: FakeChatwoot, talk: Talk) -> None:
    """As Chatwoot's queue does: a delivery that was not taken is sent again, under its own id."""
    for text in (*QUESTIONS, "a human please"):
        message = {"id": next(chat._ids), "by": "contact", "content": text, "private": False}
        talk.messages.append(message)
        payload = chat.message_created(talk, message)
        for _ in range(400):
            with contextlib.suppress(httpx.TransportError, RuntimeError):
                if (await chat.send(payload, id_=f"{talk.id}-{message['id']}")).status_code == 200:
                    break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("no server took the message")
        await asyncio.sleep(0.15)


async def test_a_server_that_is_killed_again_and_again_answers_everything_and_repeats_only_what_was_on_its_way(
    tmp_path: Path,
) -> None:
    async with chatwoot() as chat:
        FileChannelBook(tmp_path / "channels").put(config_of(chat))
        talks = [chat.talk() for _ in range(TALKS)]
        saying: list[asyncio.Task[None]] = []
        for life in range(KILLS + 1):
            starting = server(tmp_path, pause_seconds=0.05)
            process, url = await asyncio.to_thread(starting.__enter__)
            async with httpx.AsyncClient(base_url=url, timeout=20) as client:
                chat.hook, chat.hook_path = client, "/v1/channels/front/webhook"
                saying = saying or [asyncio.create_task(say_all(chat, talk)) for talk in talks]
                if life < KILLS:
                    await asyncio.sleep(0.25 + 0.2 * life)
                    process.send_signal(signal.SIGKILL)
                    await asyncio.to_thread(process.wait)
                else:
                    await asyncio.gather(*saying)
                    await until(lambda: all(talk.status == "open" for talk in talks), 40)
            await asyncio.to_thread(starting.__exit__, None, None, None)
        for talk in talks:
            said = talk.said_by_bot()
            for text in QUESTIONS:
                assert any(f"You asked: {text}" in one or text in one for one in said), (text, said)
            assert "I am calling a colleague." in "".join(said)
            assert talk.notes()
            # At most one letter a thread was on its way when a server died.
            assert len(said) - len(set(said)) <= KILLS
        assert chat.faults == []
