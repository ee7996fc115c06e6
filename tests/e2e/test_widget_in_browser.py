"""The chat window, in a real browser, against a server that can be told to misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import OpenTab, Tab
from tests.e2e.scripted_server import HOSTILE, ScriptedServer
from tests.e2e.shop_window import ShopWindow

pytestmark = pytest.mark.e2e

AXE = Path(__file__).parents[2] / "app" / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(ShopWindow()) as running:
        yield running


@pytest.fixture
def tab(server: ScriptedServer, open_tab: OpenTab) -> Tab:
    opened = open_tab(f"{server.url}/demo?shop=hills&lang=en")
    opened.page.get_by_text("Hello, what can I do for you?").wait_for()
    return opened


def expect(what: Any) -> Any:
    from playwright.sync_api import expect as playwright_expect

    return playwright_expect(what)


def messages(server: ScriptedServer) -> list[dict[str, Any]]:
    return [body for kind, body in server.posted if kind == "message"]


def test_a_reply_shows_each_sentence_with_numbers_that_stand_for_its_sources(tab: Tab) -> None:
    tab.ask("Can I return it?")
    bubble = tab.page.locator(".bot .bubble").last
    expect(bubble).to_have_text(
        "Unused items may be returned within 30 days of delivery.1 We pay for the return of faulty items.21"
    )
    expect(tab.page.get_by_role("button", name="When will I get my refund?")).to_be_visible()


def test_a_tapped_number_opens_the_quote_and_escape_gives_the_focus_back(tab: Tab) -> None:
    tab.ask("Can I return it?")
    number = tab.page.get_by_role("button", name="Show source 2").last
    number.click()
    sheet = tab.page.get_by_role("dialog", name="Show source 2")
    expect(sheet).to_contain_text("We pay for the return of faulty items.")
    expect(sheet).to_contain_text("help-centre.csv · row 12 · Who pays for the return?")
    expect(sheet.get_by_role("heading")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(number).to_be_focused()


def test_a_related_question_is_asked_by_one_tap(tab: Tab, server: ScriptedServer) -> None:
    tab.ask("Can I return it?")
    tab.page.get_by_role("button", name="Can I exchange a size?").click()
    expect(tab.page.locator(".me")).to_have_count(2)
    expect(tab.page.locator(".bot .rating")).to_have_count(2)
    assert messages(server)[-1]["text"] == "Can I exchange a size?"


def test_hostile_text_stays_text(tab: Tab) -> None:
    tab.ask("hostile " + HOSTILE)
    expect(tab.page.locator(".bot .bubble").last).to_contain_text(HOSTILE)
    tab.page.get_by_role("button", name="Show source 1").click()
    expect(tab.page.get_by_role("dialog", name="Show source 1")).to_contain_text(HOSTILE)
    assert tab.page.locator("xiaoer-chat img, xiaoer-chat script").count() == 0
    assert tab.page.title() == "Hill & Hollow · Demo shop"


def test_a_message_that_could_not_be_sent_keeps_its_text_and_is_sent_again_under_the_same_id(
    tab: Tab, server: ScriptedServer
) -> None:
    tab.ask("fail once please")
    expect(tab.page.get_by_role("alert")).to_contain_text("Not sent")
    tab.page.get_by_role("button", name="Try again").click()
    expect(tab.page.get_by_role("button", name="Show source 1").first).to_be_visible()
    expect(tab.page.get_by_role("alert")).to_have_count(0)
    first, second = messages(server)
    assert first == second
    tab.errors.clear()  # the browser itself reports the 503


@pytest.mark.parametrize("breakage", ["cut short", "problem in the stream"])
def test_a_reply_that_breaks_can_be_asked_for_again(tab: Tab, breakage: str) -> None:
    tab.ask(breakage)
    tab.page.get_by_role("button", name="Try again").click()
    expect(tab.page.get_by_role("alert")).to_have_count(0)
    expect(tab.page.get_by_role("button", name="Show source 2")).to_be_visible()
    expect(tab.page.locator(".me")).to_have_count(1)
    expect(tab.page.get_by_text("Unused items may be returned")).to_have_count(1)


def test_a_reload_brings_the_history_back_once(tab: Tab, server: ScriptedServer) -> None:
    tab.ask("Can I return it?")
    expect(tab.page.locator(".rating")).to_be_visible()
    tab.page.reload()
    expect(tab.page.locator(".me .bubble")).to_have_text("Can I return it?")
    expect(tab.page.get_by_role("button", name="Show source 2")).to_be_visible()
    tab.ask("And when it is faulty?")
    expect(tab.page.locator(".rating")).to_have_count(2)
    expect(tab.page.locator(".me")).to_have_count(2)
    assert [kind for kind, _ in server.posted].count("start") == 1


def test_a_colleague_is_called_and_nothing_they_say_is_lost_or_doubled_when_the_line_drops(
    tab: Tab, server: ScriptedServer
) -> None:
    tab.page.get_by_role("button", name="Talk to a person").click()
    expect(tab.page.get_by_text("A colleague has been called")).to_be_visible()
    server.tell("agent.joined", agent="Maya")
    expect(tab.page.get_by_text("Maya has joined the conversation")).to_be_visible()
    server.tell("agent.message", message_id="a1", agent="Maya", text="Hello, I read what you wrote.")
    expect(tab.page.get_by_text("Hello, I read what you wrote.")).to_be_visible()
    server.drop_streams()
    server.tell("agent.message", message_id="a2", agent="Maya", text="Your parcel leaves today.")
    expect(tab.page.get_by_text("Your parcel leaves today.")).to_be_visible()
    expect(tab.page.locator(".turn.agent")).to_have_count(2)
    assert server.resumed_from == ["", "3"]


def test_enter_that_picks_a_candidate_of_an_input_method_sends_nothing(tab: Tab, server: ScriptedServer) -> None:
    box = tab.page.locator("xiaoer-chat textarea")
    box.fill("fahuo")
    box.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    box.dispatch_event("keydown", {"key": "Enter", "keyCode": 229, "bubbles": True})
    box.press("Shift+Enter")
    assert messages(server) == []
    box.press("Enter")
    expect(tab.page.locator(".me")).to_have_count(1)


def test_a_question_back_offers_its_options(tab: Tab, server: ScriptedServer) -> None:
    tab.ask("which one?")
    tab.page.get_by_role("list", name="Choose one").get_by_role("button", name="Slate, size L").click()
    expect(tab.page.locator(".me")).to_have_count(2)
    expect(tab.page.locator(".rating")).to_have_count(1)
    assert messages(server)[-1]["text"] == "Slate, size L"


def test_a_product_comes_as_a_card(tab: Tab) -> None:
    tab.ask("show me a card")
    card = tab.page.get_by_role("region", name="Ridgeline 3L Jacket")
    for part in ("£189.00", "RL3-MOS-M", "410 g"):
        expect(card).to_contain_text(part)


def test_a_rating_is_sent_and_stays_pressed(tab: Tab, server: ScriptedServer) -> None:
    tab.ask("Can I return it?")
    tab.page.get_by_role("button", name="Not helpful").click()
    expect(tab.page.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    expect(tab.page.get_by_text("Thank you")).to_be_visible()
    assert ("feedback", {"message_id": "m0", "helpful": False}) in server.posted


def test_the_language_switch_keeps_what_was_said(tab: Tab) -> None:
    tab.ask("Can I return it?")
    expect(tab.page.locator(".rating")).to_be_visible()
    tab.page.get_by_role("button", name="切换到中文").click()
    expect(tab.page.get_by_role("button", name="转人工")).to_be_visible()
    expect(tab.page.locator(".me .bubble")).to_have_text("Can I return it?")


def test_a_new_conversation_closes_the_old_one(tab: Tab, server: ScriptedServer) -> None:
    tab.ask("Can I return it?")
    expect(tab.page.locator(".rating")).to_be_visible()
    tab.page.get_by_role("button", name="Start a new conversation").click()
    expect(tab.page.locator(".me")).to_have_count(0)
    expect(tab.page.get_by_text("Hello, what can I do for you?")).to_be_visible()
    kinds = [kind for kind, _ in server.posted]
    assert kinds.count("start") == 2
    assert "close" in kinds


def test_an_expired_conversation_is_replaced_and_the_question_asked_there(tab: Tab, server: ScriptedServer) -> None:
    server.logs.clear()
    server.drop_streams()
    tab.ask("Can I return it?")
    again, source = (
        tab.page.get_by_role("button", name="Try again"),
        tab.page.get_by_role("button", name="Show source 2"),
    )
    expect(again.or_(source)).to_be_visible()  # on a slow day the window had a new conversation before the question
    if again.is_visible():
        again.click()
    expect(source).to_be_visible()
    tab.errors.clear()  # the browser itself reports the 401 and the 404


def test_a_conversation_that_ended_offers_a_new_one(tab: Tab, server: ScriptedServer) -> None:
    server.tell("conversation.closed")
    expect(tab.page.get_by_text("This conversation has ended.")).to_be_visible()
    tab.page.get_by_role("button", name="Start a new one").click()
    expect(tab.page.locator("xiaoer-chat textarea")).to_be_visible()


def test_when_nobody_is_there_a_message_and_a_contact_are_left(tab: Tab, server: ScriptedServer) -> None:
    server.tell("handoff.requested", reason="asked_for_human", text="We are away.", offline=True, message_id="")
    form = tab.page.get_by_role("form", name="Nobody is here right now")
    form.get_by_role("textbox", name="E-mail or phone").fill("ann@example.com")
    form.get_by_role("textbox", name="What you need").fill("A new lid")
    form.get_by_role("button", name="Leave it").click()
    expect(form).to_be_hidden()
    assert ("handoff", {"contact": "ann@example.com", "message": "A new lid"}) in server.posted
    server.tell("ticket.opened", ticket="T-7KQ2MN", text="Filed as T-7KQ2MN.")
    expect(tab.page.get_by_text("Filed as T-7KQ2MN.")).to_be_visible()


def test_the_place_in_the_queue_moves_up(tab: Tab, server: ScriptedServer) -> None:
    server.tell("handoff.requested", reason="anger", position=3, message_id="")
    expect(tab.page.get_by_text("you are number 3")).to_be_visible()
    server.tell("handoff.position", position=1)
    expect(tab.page.get_by_text("you are number 1")).to_be_visible()


def test_stars_are_asked_for_at_the_end_and_sent_once(tab: Tab, server: ScriptedServer) -> None:
    tab.ask("Can I return it?")
    expect(tab.page.locator(".rating")).to_be_visible()
    server.tell("conversation.closed")
    tab.page.get_by_role("button", name="2 out of 5").click()
    expect(tab.page.get_by_role("group", name="How was it?")).to_contain_text("Thank you")
    expect(tab.page.get_by_role("button", name="4 out of 5")).to_be_disabled()
    assert ("feedback", {"helpful": False, "score": 2}) in server.posted


def test_the_log_is_announced_politely_and_the_keyboard_reaches_everything(tab: Tab) -> None:
    log = tab.page.get_by_role("log", name="Conversation")
    expect(log).to_have_attribute("aria-live", "polite")
    tab.page.get_by_role("button", name="Minimise chat").click()
    launcher = tab.page.get_by_role("button", name="Open the shop chat")
    expect(launcher).to_be_focused()
    launcher.press("Enter")
    expect(tab.page.locator("xiaoer-chat textarea")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(launcher).to_be_focused()


def test_on_a_phone_the_chat_fills_the_screen_and_nothing_scrolls_sideways(
    server: ScriptedServer, open_tab: OpenTab
) -> None:
    tab = open_tab(f"{server.url}/demo?shop=hills&lang=en", phone=True)
    tab.page.set_viewport_size({"width": 360, "height": 740})
    expect(tab.page.locator("xiaoer-chat .panel")).to_be_hidden()
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 360
    tab.page.get_by_role("button", name="Open the shop chat").click()
    tab.ask("long text")
    expect(tab.page.locator(".rating")).to_be_visible()
    box = tab.page.locator("xiaoer-chat .panel").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 360, "height": 740}
    scroll = tab.page.locator("xiaoer-chat .scroll")
    assert scroll.evaluate("element => element.scrollWidth - element.clientWidth") == 0
    for _ in range(12):
        tab.page.keyboard.press("Tab")
        assert tab.page.evaluate("document.activeElement.localName") == "xiaoer-chat"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("shop", ["hills", "teahouse"])
def test_axe_finds_nothing_to_complain_about(server: ScriptedServer, open_tab: OpenTab, scheme: str, shop: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run `npm ci` in app/web to check accessibility.")
    tab = open_tab(f"{server.url}/demo?shop={shop}&lang=en", color_scheme=scheme, reduced_motion="reduce")
    tab.ask("Can I return it? card")
    expect(tab.page.locator(".rating")).to_be_visible()
    tab.page.evaluate(AXE.read_text(encoding="utf-8"))
    for open_source in (False, True):
        if open_source:
            tab.page.get_by_role("button", name="Show source 1").first.click()
        found = tab.page.evaluate("axe.run().then(result => result.violations)")
        told = [(v["id"], v["help"], [node["html"][:120] for node in v["nodes"]]) for v in found]
        assert told == []
