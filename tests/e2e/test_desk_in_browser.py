"""A shopper and people at the desk, each in a browser of their own, on the real server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.staff.account import Role
from tests.e2e.conftest import DESKTOP, PHONE, OpenTab, Tab
from tests.e2e.desk_server import DeskServer
from tests.e2e.test_widget_in_browser import AXE, expect
from tests.pictures import a_pdf, a_picture

pytestmark = pytest.mark.e2e

PASTE = """bytes => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "image.png", {type: "image/png"}));
  const box = document.querySelector("xiaoer-chat").shadowRoot.querySelector("textarea");
  box.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
OpenDesk = Callable[..., Tab]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DeskServer]:
    with DeskServer(tmp_path) as running:
        yield running


@pytest.fixture
def open_desk(browser: Any, server: DeskServer) -> Iterator[OpenDesk]:
    """Signs somebody in and opens the desk."""
    opened: list[Tab] = []

    def opens(login: str, role: Role = Role.AGENT, *, phone: bool = False, lang: str = "en", **options: Any) -> Tab:
        context = browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            has_touch=phone,
            locale="en-GB" if lang == "en" else "zh-CN",
            **options,
        )
        context.set_default_timeout(15_000)
        context.add_cookies([server.cookie_of(login, role)])
        tab = Tab(context.new_page())
        opened.append(tab)
        tab.page.goto(f"{server.url}/desk")
        tab.page.locator(".desk-numbers, .desk-bar .presence").first.wait_for(state="attached")
        return tab

    yield opens
    errors = [error for tab in opened for error in tab.errors]
    for tab in opened:
        tab.page.context.close()
    assert errors == []


@pytest.fixture
def shopper(server: DeskServer, open_tab: OpenTab) -> Tab:
    tab = open_tab(f"{server.url}/shop")
    tab.page.get_by_text("Hello!").wait_for()
    return tab


def a_file(name: str, data: bytes) -> dict[str, Any]:
    """As a picker takes it; its declared type is a lie, since nobody may go by it."""
    return {"name": name, "mimeType": "image/png", "buffer": data}


def take(desk: Tab) -> Any:
    """Takes the next one waiting; returns its chat."""
    desk.page.locator(".desk-group", has_text="Waiting").locator("li").first.wait_for()
    desk.page.keyboard.press("Alt+n")
    chat = desk.page.locator(".desk-chat.active")
    expect(chat.get_by_text("With a person")).to_be_visible()
    return chat


def answer(chat: Any, text: str) -> None:
    box = chat.get_by_role("textbox", name="Reply to the shopper")
    box.fill(text)
    box.press("Enter")


def test_from_the_question_to_a_person_back_to_the_bot_and_to_the_stars(shopper: Tab, open_desk: OpenDesk) -> None:
    mei = open_desk("mei")
    shopper.ask("a human please")
    expect(shopper.page.get_by_text("you are number 1")).to_be_visible()
    chat = take(mei)
    expect(shopper.page.get_by_text("Mei has joined the conversation")).to_be_visible()
    expect(chat.get_by_text("a human please")).to_be_visible()
    expect(shopper.page.locator("xiaoer-chat input[type=file]")).to_have_count(1)
    shopper.page.locator("xiaoer-chat input[type=file]").set_input_files(a_file("kettle.jpg", a_picture("JPEG")))
    expect(shopper.page.get_by_role("link", name="kettle.jpg")).to_be_visible()
    photo = chat.get_by_role("link", name="kettle.jpg").locator("img")
    expect(photo).to_have_js_property("naturalWidth", 40)
    shopper.ask("Are you there?")
    expect(chat.get_by_text("Are you there?", exact=True)).to_be_visible()
    answer(chat, "Yes, how can I help?")
    expect(shopper.page.locator(".turn.agent .bubble")).to_have_text("Yes, how can I help?")
    expect(shopper.page.locator(".turn.agent .name")).to_have_text("Mei")
    expect(shopper.page.locator(".turn.bot .bubble", has_text="You asked: Are you there?")).to_have_count(0)
    chat.locator("input[type=file]").set_input_files(a_file("label.pdf", a_pdf()))
    with shopper.page.expect_download() as saved:
        shopper.page.get_by_role("link", name="label.pdf").click()
    assert Path(saved.value.path()).read_bytes() == a_pdf()
    mei.page.keyboard.press("Alt+b")
    expect(shopper.page.get_by_text("You are back with the AI assistant.")).to_be_visible()
    shopper.ask("Can I return it?")
    expect(shopper.page.get_by_role("button", name="Show source 1")).to_be_visible()
    shopper.ask("a human please")
    chat = take(mei)
    mei.page.keyboard.press("Alt+w")
    mei.page.get_by_role("button", name="Solved", exact=False).first.click()
    expect(shopper.page.get_by_text("This conversation has ended.")).to_be_visible()
    shopper.page.get_by_role("button", name="5 out of 5").click()
    expect(shopper.page.get_by_role("group", name="How was it?")).to_contain_text("Thank you")
    shopper.page.reload()
    expect(shopper.page.get_by_role("button", name="5 out of 5")).to_have_attribute("aria-pressed", "true")
    expect(shopper.page.locator(".turn.agent")).to_have_count(2)
    expect(shopper.page.get_by_role("link", name="kettle.jpg").locator("img")).to_have_js_property("naturalWidth", 40)


def test_a_file_that_is_none_is_told_of_and_nothing_reaches_the_agent(shopper: Tab, open_desk: OpenDesk) -> None:
    mei = open_desk("mei")
    shopper.ask("a human please")
    chat = take(mei)
    picker = shopper.page.locator("xiaoer-chat input[type=file]")
    picker.set_input_files(a_file("photo.png", a_picture("PNG") + HOSTILE.encode()))
    expect(shopper.page.get_by_role("alert")).to_contain_text("Only pictures and plain PDFs")
    expect(shopper.page.get_by_role("button", name="Try again")).to_have_count(0)
    shopper.errors.clear()  # the browser itself reports the 415
    shopper.page.evaluate(PASTE, list(a_picture("PNG")))
    expect(chat.get_by_role("link", name="image.png").locator("img")).to_have_js_property("naturalWidth", 40)
    expect(chat.locator(".said.file")).to_have_count(1)


def test_a_draft_is_sent_by_one_key_and_never_by_itself(shopper: Tab, open_desk: OpenDesk) -> None:
    mei = open_desk("mei")
    shopper.ask("a human please")
    chat = take(mei)
    shopper.ask("Can I return it?")
    draft = chat.get_by_role("region", name="Draft")
    expect(draft).to_contain_text("You asked: Can I return it?")
    expect(draft).to_contain_text("93% sure")
    expect(draft).to_contain_text("returns.md")
    mei.page.wait_for_timeout(700)
    expect(shopper.page.locator(".turn.agent")).to_have_count(0)
    mei.page.keyboard.press("Alt+e")
    expect(chat.get_by_role("textbox", name="Reply to the shopper")).to_have_value(re.compile("You asked: Can I"))
    mei.page.keyboard.press("Alt+s")
    expect(shopper.page.locator(".turn.agent")).to_have_count(1)
    expect(draft).to_be_hidden()


def test_typing_shows_on_both_sides(shopper: Tab, open_desk: OpenDesk) -> None:
    mei = open_desk("mei")
    shopper.ask("a human please")
    chat = take(mei)
    expect(shopper.page.get_by_text("Mei has joined the conversation")).to_be_visible()
    chat.get_by_role("textbox", name="Reply to the shopper").press_sequentially("Hello", delay=30)
    expect(shopper.page.locator("xiaoer-chat .typing")).to_be_visible()
    shopper.page.locator("xiaoer-chat textarea").press_sequentially("Hm", delay=30)
    expect(chat.get_by_text("The shopper is typing…")).to_be_visible()


def test_of_two_agents_one_gets_it_and_the_other_is_told(shopper: Tab, open_desk: OpenDesk, server: DeskServer) -> None:
    mei, tom = open_desk("mei"), open_desk("tom")
    shopper.ask("a human please")
    for desk in (mei, tom):
        desk.page.locator(".desk-group", has_text="Waiting").locator("li button.item").click()
    for desk in (mei, tom):
        desk.page.get_by_role("button", name="Take this conversation").wait_for()
    for desk in (mei, tom):
        desk.page.evaluate("document.querySelector('.desk-foot .primary.wide')?.click()")
    expect(mei.page.locator(".desk-chat.active").get_by_text("With a person")).to_be_visible()
    expect(tom.page.get_by_text("A colleague has it. You can add notes.")).to_be_visible()
    tom.errors.clear()  # the browser itself reports the 409, where it came to that


def test_several_conversations_stand_side_by_side(open_tab: OpenTab, open_desk: OpenDesk, server: DeskServer) -> None:
    mei = open_desk("mei")
    tabs = [open_tab(f"{server.url}/shop") for _ in range(2)]
    for n, tab in enumerate(tabs):
        tab.page.get_by_text("Hello!").wait_for()
        tab.ask(f"a human please, number {n}")
        take(mei)
    expect(mei.page.locator(".desk-chat")).to_have_count(2)
    boxes = [chat.bounding_box() for chat in mei.page.locator(".desk-chat").all()]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"] + 1
    mei.page.keyboard.press("Alt+1")
    expect(mei.page.locator(".desk-chat.active")).to_contain_text("number 0")
    answer(mei.page.locator(".desk-chat.active"), "For the first one.")
    expect(tabs[0].page.get_by_text("For the first one.")).to_be_visible()
    expect(tabs[1].page.get_by_text("For the first one.")).to_have_count(0)


def test_a_supervisor_sees_it_live_and_takes_over(shopper: Tab, open_desk: OpenDesk) -> None:
    mei, boss = open_desk("mei"), open_desk("boss", Role.SUPERVISOR)
    shopper.ask("a human please")
    take(mei)
    boss.page.get_by_role("tab", name="Live").click()
    boss.page.locator(".desk-group", has_text="Under way").locator("li button.item").first.click()
    boss.page.get_by_role("button", name="Take over").click()
    expect(shopper.page.get_by_text("Boss has joined the conversation")).to_be_visible()
    expect(mei.page.get_by_text("A colleague has it. You can add notes.")).to_be_visible()
    boss.page.keyboard.press("Alt+b")
    expect(shopper.page.get_by_text("You are back with the AI assistant.")).to_be_visible()
    boss.page.get_by_role("button", name="Assign").click()
    boss.page.get_by_role("dialog").get_by_role("button", name="Mei").click()
    expect(mei.page.get_by_role("textbox", name="Reply to the shopper")).to_be_visible()


def test_a_mode_is_switched_by_the_supervisor_and_seen_by_everybody(shopper: Tab, open_desk: OpenDesk) -> None:
    mei, boss = open_desk("mei"), open_desk("boss", Role.SUPERVISOR)
    boss.page.get_by_role("button", name="Full auto").click()
    boss.page.get_by_role("radio", name="Assist").check()
    boss.page.get_by_role("button", name="Switch now").click()
    expect(mei.page.locator(".chip.mode")).to_have_text("Assist")
    shopper.ask("Can I return it?")
    expect(shopper.page.get_by_text("Your message is with our team")).to_be_visible()
    mei.page.get_by_role("button", name="Assist").click()
    expect(mei.page.get_by_text("Only a supervisor can switch it.")).to_be_visible()


def test_canned_replies_are_made_found_and_filled_in(shopper: Tab, open_desk: OpenDesk) -> None:
    mei = open_desk("mei")
    shopper.ask("a human please")
    chat = take(mei)
    mei.page.keyboard.press("Alt+k")
    mei.page.get_by_text("Add one", exact=True).click()
    for label, text in (("Shortcut", "hi"), ("Title", "Greeting"), ("English", "Hi, {agent} of {shop} here.")):
        mei.page.get_by_label(label, exact=True).fill(text)
    mei.page.get_by_role("button", name="Save").click()
    mei.page.get_by_role("button", name="/hi · Greeting", exact=False).click()
    expect(chat.get_by_role("textbox", name="Reply to the shopper")).to_have_value("Hi, Mei of Muji Hill here.")


def test_hostile_text_stays_text_on_both_sides(shopper: Tab, open_desk: OpenDesk) -> None:
    mei = open_desk("mei")
    shopper.ask(f"a human please {HOSTILE}")
    chat = take(mei)
    expect(chat.locator(".said.shopper").first).to_contain_text(HOSTILE)
    answer(chat, HOSTILE)
    expect(shopper.page.locator(".turn.agent .bubble")).to_have_text(HOSTILE)
    box = chat.get_by_role("textbox", name="Reply to the shopper")
    mei.page.keyboard.press("Alt+i")
    box.fill(HOSTILE)
    box.press("Enter")
    expect(chat.locator(".said.note")).to_contain_text(HOSTILE)
    tags = mei.page.get_by_role("textbox", name="Tags")
    tags.fill(HOSTILE[:38])
    tags.press("Enter")
    expect(mei.page.locator(".desk-context .chip")).to_contain_text(HOSTILE[:20])
    for tab in (mei, shopper):
        assert "owned" not in tab.page.title()
        assert tab.page.locator("#desk img, xiaoer-chat img").count() == 0


def test_on_a_phone_the_desk_is_one_thing_at_a_time(shopper: Tab, open_desk: OpenDesk) -> None:
    mei = open_desk("mei", phone=True)
    shopper.ask("a human please")
    mei.page.locator(".desk-group", has_text="Waiting").get_by_role("button", name="Take").click()
    box = mei.page.get_by_role("textbox", name="Reply to the shopper")
    expect(box).to_be_visible()
    box.fill("From my phone.")
    box.press("Enter")
    expect(shopper.page.get_by_text("From my phone.")).to_be_visible()
    assert mei.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    mei.page.get_by_role("button", name="Info").click()
    expect(mei.page.get_by_text("At a glance")).to_be_visible()
    mei.page.get_by_role("button", name="‹ Chat").click()
    mei.page.get_by_role("button", name="‹ List").click()
    expect(mei.page.locator(".desk-list")).to_be_visible()


def test_an_upset_shopper_is_called_so_once_and_a_draft_of_nothing_points_at_no_passages(
    shopper: Tab, open_desk: OpenDesk
) -> None:
    mei = open_desk("mei")
    shopper.ask("angry")
    chat = take(mei)
    draft = chat.get_by_role("region", name="Draft")
    expect(draft).to_contain_text("The knowledge has nothing to answer this with.")
    assert "passages" not in draft.inner_text()
    assert draft.locator("ul").count() == 0
    expect(mei.page.locator(".desk-context .badge", has_text="Upset")).to_have_count(1)


def test_on_a_phone_the_bar_shows_presence_and_load_however_many_shops_there_are(
    server: DeskServer, open_desk: OpenDesk
) -> None:
    server.container.knowledge.names.extend(["dale", "harbour", "orchard"])  # type: ignore[attr-defined]
    boss = open_desk("boss", Role.ADMIN, phone=True)
    for name in ("Online", "take at once"):
        box = boss.page.locator(".desk-bar").get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= PHONE["width"]
    assert boss.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about_on_the_desk(shopper: Tab, open_desk: OpenDesk, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run `npm ci` in app/web to check accessibility.")
    mei = open_desk("mei", color_scheme=scheme, reduced_motion="reduce")
    shopper.ask("a human please")
    chat = take(mei)
    shopper.ask("Can I return it?")
    expect(chat.get_by_role("region", name="Draft")).to_be_visible()
    mei.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = mei.page.evaluate("axe.run().then(result => result.violations)")
    assert [(v["id"], v["help"], [node["html"][:160] for node in v["nodes"]]) for v in found] == []
