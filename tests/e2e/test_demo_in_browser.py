"""The demo as a visitor meets it: the real server on the sample shops, and a real browser."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import OpenTab, Tab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PROJECT = Path(__file__).parents[2]
START_SECONDS = 600
"""Both shops are embedded on the first start; a small machine that is busy takes minutes."""


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    url: str


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture(scope="module")
def demo(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`xiaoer demo` in a home of its own, without a language model: what it says then is quoted from the shops.

    DEMO_URL names one that runs already, to try the page again without waiting for the shops to be embedded.
    """
    if running := os.environ.get("DEMO_URL"):
        yield Demo(running.rstrip("/"))
        return
    home = tmp_path_factory.mktemp("demo")
    port = free_port()
    settings = {"HEADLESS": "1", "PORT": str(port), "XIAOER_HOME": str(home), "XIAOER_MODEL": "none"}
    with (home / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "demo"],
            cwd=PROJECT,
            env=os.environ | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    demo = Demo(f"http://127.0.0.1:{port}")
    try:
        given_up_at = time.monotonic() + START_SECONDS
        while not is_ready(demo.url):
            said = (home / "output.txt").read_text(encoding="utf-8", errors="replace")[-3000:]
            assert process.poll() is None, f"`xiaoer demo` ended with {process.returncode}:\n{said}"
            assert time.monotonic() < given_up_at, f"`xiaoer demo` was not ready in {START_SECONDS} s:\n{said}"
            time.sleep(0.25)
        yield demo
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def expect(what: Any) -> Any:
    from playwright.sync_api import expect as playwright_expect

    return playwright_expect(what)


def ask_and_wait(tab: Tab, text: str) -> Any:
    """Ask, and return the finished reply (its thumbs are the last thing to come)."""
    before = tab.page.locator(".rating").count()
    tab.ask(text)
    expect(tab.page.locator(".rating")).to_have_count(before + 1, timeout=30_000)
    return tab.page.locator(".turn.bot", has=tab.page.locator(".rating")).last


def post(url: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"content-type": "application/json", "accept": "application/json"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=60) as answer:
        told: dict[str, Any] = json.load(answer)
        return told


@pytest.mark.parametrize("shop", ["tangli", "larchwood"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_question_that_the_page_offers_to_ask_is_answered(demo: Demo, shop: str, lang: str) -> None:
    with urllib.request.urlopen(f"{demo.url}/demo?shop={shop}&lang={lang}") as answer:
        offered = [unescape(found) for found in re.findall(r'data-ask="([^"]+)"', answer.read().decode())]
    begun = post(f"{demo.url}/v1/conversations", {"shop": shop, "locale": lang})
    assert len(offered) > 10
    assert begun["welcome"]["quick_questions"]
    failed = {}
    for question in dict.fromkeys([*begun["welcome"]["quick_questions"], *offered]):
        own = post(f"{demo.url}/v1/conversations", {"shop": shop, "locale": lang})
        reply = post(f"{demo.url}/v1/conversations/{own['id']}/messages", {"text": question}, own["token"])
        if reply["decision"] != "answer" or not reply["citations"]:
            failed[question] = (reply["decision"], reply["confidence"])
    assert not failed, f"offered to ask, but not answered: {failed}"


def test_a_chinese_question_is_answered_in_a_stream_with_a_source_to_open(demo: Demo, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo.url}/demo?shop=tangli&lang=zh", locale="zh-CN")
    expect(tab.page.get_by_role("dialog", name="小棠里")).to_be_visible()
    streamed = []
    tab.page.on("response", lambda r: r.url.endswith("/messages") and streamed.append(r.headers["content-type"]))
    reply = ask_and_wait(tab, "满多少包邮？")
    expect(reply).to_contain_text("99元包邮")
    assert "text/event-stream" in streamed[0]
    reply.get_by_role("button", name="查看出处 1").first.click()
    sheet = tab.page.get_by_role("dialog", name="查看出处 1")
    expect(sheet).to_contain_text("99元")
    expect(sheet).to_contain_text("faq.csv")
    expect(sheet).to_contain_text("满多少包邮")
    tab.page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_an_english_question_is_answered_and_a_related_one_is_a_tap_away(demo: Demo, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo.url}/demo?shop=larchwood&lang=en")
    reply = ask_and_wait(tab, "How much is UK delivery?")
    expect(reply).to_contain_text("£3.95")
    expect(reply.get_by_role("button", name="Show source 1").first).to_be_visible()
    related = reply.get_by_role("list", name="Related questions").get_by_role("button").first
    question = related.inner_text()
    related.click()
    expect(tab.page.locator(".me .bubble").last).to_have_text(question)
    expect(tab.page.locator(".rating")).to_have_count(2, timeout=30_000)


def test_the_page_asks_for_the_visitor(demo: Demo, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo.url}/demo?shop=larchwood&lang=en")
    expect(tab.page.get_by_role("heading", level=1)).to_contain_text("Larchwood Supply")
    tab.page.get_by_role("button", name="Ask about Ridgeline 3L Waterproof Jacket", exact=True).click()
    expect(tab.page.locator(".me .bubble")).to_contain_text("Ridgeline 3L Waterproof Jacket")
    expect(tab.page.locator(".turn.bot .bubble").nth(1)).to_contain_text("189", timeout=30_000)
    tab.page.locator(".switch").get_by_role("link", name="中文").click()
    expect(tab.page.get_by_role("heading", name="大家常问")).to_be_visible()


def test_the_default_shop_speaks_the_browsers_language(demo: Demo, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo.url}/demo", locale="en-GB")
    expect(tab.page.locator("html")).to_have_attribute("lang", "en")
    expect(tab.page.locator("xiaoer-chat")).to_have_attribute("shop", "tangli")


def test_the_visitor_is_told_that_this_is_a_machine_and_can_call_a_person(demo: Demo, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo.url}/demo?shop=larchwood&lang=en")
    expect(tab.page.locator(".disclosure")).to_contain_text("AI")
    tab.page.get_by_role("button", name="Talk to a person").click()
    # Larchwood keeps hours: a colleague is called, or asks where to write to.
    expect(tab.page.locator(".notice:not([hidden]), form.away:not([hidden])").first).to_be_visible()


def test_a_reload_shows_the_conversation_again(demo: Demo, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo.url}/demo?shop=tangli&lang=zh", locale="zh-CN")
    ask_and_wait(tab, "下单后多久发货？")
    said = tab.page.locator(".turn .bubble").all_inner_texts()
    tab.page.reload()
    expect(tab.page.locator(".rating")).to_be_visible()
    expect(tab.page.locator(".turn .bubble")).to_have_text(said)
    expect(tab.page.get_by_role("button", name="查看出处 1").first).to_be_visible()


def test_on_a_phone_the_chat_opens_over_the_whole_page(demo: Demo, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo.url}/demo?shop=tangli&lang=zh", phone=True, locale="zh-CN")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    tab.page.get_by_role("button", name="打开客服聊天").click()
    expect(tab.page.locator("xiaoer-chat .panel")).to_have_css("width", "390px")
    reply = ask_and_wait(tab, "多久能收到货？")
    expect(reply.get_by_role("button", name="查看出处 1").first).to_be_visible()
    tab.page.get_by_role("button", name="收起聊天").click()
    expect(tab.page.get_by_role("heading", name="大家常问")).to_be_attached()


def test_a_shop_that_does_not_exist_is_a_problem_not_a_crash(demo: Demo) -> None:
    with pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(f"{demo.url}/demo?shop=nowhere")
    with failed.value as answer:
        assert answer.code == 404
        assert "tangli" in json.load(answer)["detail"]
