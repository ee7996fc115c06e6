"""The chat window in a shop's own page: by one tag, in the page, from right to left, in the brand's colour, and
knowing who is there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from app.api.identify import Identifier
from app.shop.identity import IdentityRule
from tests.e2e.conftest import OpenTab, Tab
from tests.e2e.desk_server import DeskServer
from tests.e2e.test_widget_in_browser import AXE, expect
from tests.fakes import FakeAttendant, FakeIdentityBook, FakePublicKeys

pytestmark = pytest.mark.e2e
SECRET = "xs_a-secret-of-the-shop-of-some-length"
USABLE_MS = 100


def token_of(customer: str, seconds: int = 600) -> str:
    claims = {"sub": customer, "aud": "xiaoer:hill", "exp": int(time.time()) + seconds}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET.encode()))


def page_of(tag: str, **html: str) -> str:
    about = " ".join(f'{name}="{value}"' for name, value in ({"lang": "en"} | html).items())
    return f'<!doctype html><html {about}><title>Hill</title><link rel="icon" href="/web/icon.svg">{tag}</html>'


def script(**data: str) -> str:
    told = "".join(f' data-{name}="{value}"' for name, value in ({"shop": "hill", "open": ""} | data).items())
    return f'<body><script src="/widget.js"{told}></script>'


@pytest.fixture
def attendant() -> FakeAttendant:
    return FakeAttendant()


@pytest.fixture
def server(tmp_path: Path, attendant: FakeAttendant) -> Iterator[DeskServer]:
    book = FakeIdentityBook(IdentityRule("hill", secrets=(SECRET,)))
    parts = {"attendant": attendant, "identifier": Identifier(book, FakePublicKeys())}
    with DeskServer(tmp_path, **parts) as running:
        yield running


def opened(server: DeskServer, open_tab: OpenTab, page: str, **options: Any) -> Tab:
    server.page = page
    tab = open_tab(f"{server.url}/page", **options)
    tab.page.get_by_text("Hello!").wait_for()
    return tab


def load(server: DeskServer, tab: Tab, page: str) -> None:
    """The next page of the shop, in the same tab."""
    server.page = page
    tab.page.goto(f"{server.url}/page")
    tab.page.get_by_text("Hello!").wait_for()


@pytest.mark.parametrize("place", ["<head>{}</head><body>", "<body>{}"])
def test_one_tag_puts_the_window_on_the_page(server: DeskServer, open_tab: OpenTab, place: str) -> None:
    tag = place.format('<script src="/widget.js" data-shop="hill" data-locale="zh"></script>')
    server.page = page_of(tag)
    tab = open_tab(f"{server.url}/page")
    tab.page.get_by_role("button", name="打开客服聊天").click()
    expect(tab.page.get_by_text("您好！")).to_be_visible()
    assert tab.page.locator("xiaoer-chat").count() == 1


def test_in_the_page_it_has_no_launcher_and_stays(server: DeskServer, open_tab: OpenTab) -> None:
    tab = opened(server, open_tab, page_of(script(inline="")))
    expect(tab.page.locator(".launcher")).to_be_hidden()
    tab.ask("Can I return it?")
    expect(tab.page.get_by_role("button", name="Show source 1")).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator(".panel")).to_be_visible()
    assert tab.page.locator(".panel").evaluate("p => getComputedStyle(p).position") == "relative"


def test_every_word_of_the_ais_is_marked_and_stays_so_where_it_is_pasted(server: DeskServer, open_tab: OpenTab) -> None:
    tab = opened(server, open_tab, page_of(script()))
    tab.ask("Can I return it?")
    expect(tab.page.get_by_role("button", name="Show source 1")).to_be_visible()
    for turn in tab.page.locator(".turn.bot").all():
        expect(turn.locator(".name")).to_have_text("AI assistant")
    copied = tab.page.evaluate("""() => {
      const root = document.querySelector("xiaoer-chat").shadowRoot;
      const last = [...root.querySelectorAll(".turn.bot .sentence")].pop();
      const walker = document.createTreeWalker(last, NodeFilter.SHOW_TEXT);
      let words = walker.nextNode();
      while (words.length < 6) words = walker.nextNode();
      const range = document.createRange();
      range.setStart(words, 0); range.setEnd(words, 6);
      const chosen = root.getSelection?.() ?? getSelection();
      chosen.removeAllRanges(); chosen.addRange(range);
      const event = new ClipboardEvent("copy", {clipboardData: new DataTransfer(), bubbles: true, cancelable: true});
      words.parentElement.dispatchEvent(event);
      return event.clipboardData.getData("text/plain");
    }""")
    assert copied.startswith("AI assistant: ")
    assert len(copied) > len("AI assistant: ")


def test_on_a_page_from_right_to_left_it_stands_on_the_other_side(server: DeskServer, open_tab: OpenTab) -> None:
    tab = opened(server, open_tab, page_of(script(), dir="rtl"))
    box = tab.page.locator(".panel").bounding_box()
    assert box["x"] < 40
    tab.ask("مرحبا، هل يمكنني الإرجاع؟")
    mine = tab.page.locator(".me .bubble")
    assert mine.evaluate("b => getComputedStyle(b).direction") == "rtl"
    expect(tab.page.locator(".bot .bubble").last).to_be_visible()
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("accent", ["#ffe14d", "#101010", "#0057ff"])
def test_the_brands_colour_is_worn_and_can_be_read(
    server: DeskServer, open_tab: OpenTab, accent: str, scheme: str
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run `npm ci` in app/web to check accessibility.")
    tab = opened(server, open_tab, page_of(script(accent=accent)), color_scheme=scheme, reduced_motion="reduce")
    tab.ask("Can I return it?")
    expect(tab.page.get_by_role("button", name="Not helpful")).to_be_visible()
    tab.page.get_by_role("button", name="Not helpful").click()
    expect(tab.page.get_by_role("button", name="Not what I asked")).to_be_visible()
    tab.page.locator("xiaoer-chat input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    expect(tab.page.get_by_role("alert")).to_be_visible()
    tab.errors.clear()  # the browser reports the 415
    tab.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = tab.page.evaluate("axe.run(document.querySelector('xiaoer-chat')).then(result => result.violations)")
    assert [(v["id"], v["help"], [node["html"][:160] for node in v["nodes"]]) for v in found] == []


def test_with_reduced_motion_nothing_moves(server: DeskServer, open_tab: OpenTab) -> None:
    tab = opened(server, open_tab, page_of(script()), reduced_motion="reduce")
    tab.ask("Can I return it?")
    expect(tab.page.get_by_role("button", name="Show source 1")).to_be_visible()
    assert tab.page.evaluate("document.getAnimations({subtree: true}).length") == 0


def test_a_thumb_down_asks_why_and_says_so_to_the_shop(server: DeskServer, open_tab: OpenTab) -> None:
    tab = opened(server, open_tab, page_of(script()))
    tab.ask("Can I return it?")
    tab.page.get_by_role("button", name="Not helpful").click()
    with tab.page.expect_request("**/feedback") as asked:
        tab.page.get_by_role("button", name="It is wrong").click()
    assert asked.value.post_data_json["comment"] == "It is wrong"
    expect(tab.page.get_by_role("button", name="It is wrong")).to_have_count(0)


def test_a_token_makes_the_shopper_known(server: DeskServer, open_tab: OpenTab, attendant: FakeAttendant) -> None:
    tab = opened(server, open_tab, page_of(script(identity=token_of("c1"))))
    tab.ask("Where is it?")
    expect(tab.page.get_by_role("button", name="Show source 1")).to_be_visible()
    assert attendant.turns[-1].identity.customer_id == "c1"


def test_a_bad_token_leaves_the_shopper_unknown_but_not_alone(
    server: DeskServer, open_tab: OpenTab, attendant: FakeAttendant
) -> None:
    tab = opened(server, open_tab, page_of(script(identity=token_of("c1", seconds=-600))))
    tab.ask("Where is it?")
    expect(tab.page.get_by_role("button", name="Show source 1")).to_be_visible()
    assert attendant.turns[-1].identity.customer_id == ""
    tab.errors.clear()  # the browser reports the 401


@pytest.mark.parametrize("after", ["", "c2"])
def test_what_one_shopper_said_is_never_shown_to_the_next(server: DeskServer, open_tab: OpenTab, after: str) -> None:
    tab = opened(server, open_tab, page_of(script(identity=token_of("c1"))))
    with tab.page.expect_response("**/v1/conversations") as begun:
        tab.page.reload()
        tab.page.get_by_role("button", name="Start a new conversation").click()
    first = begun.value.json()
    tab.ask("my private matter")
    expect(tab.page.get_by_role("button", name="Show source 1")).to_be_visible()
    load(server, tab, page_of(script(**({"identity": token_of(after)} if after else {}))))
    expect(tab.page.get_by_text("my private matter")).to_have_count(0)
    headers = {"authorization": f"Bearer {first['token']}"}
    gone = tab.page.request.get(f"{server.url}/v1/conversations/{first['id']}/events", headers=headers)
    assert gone.status == 401


def test_logging_out_without_a_new_page_ends_it_too(server: DeskServer, open_tab: OpenTab) -> None:
    tab = opened(server, open_tab, page_of(script(identity=token_of("c1"))))
    tab.ask("my private matter")
    expect(tab.page.get_by_role("button", name="Show source 1")).to_be_visible()
    with tab.page.expect_request("**/logout"):
        tab.page.evaluate("document.querySelector('xiaoer-chat').removeAttribute('identity')")
    expect(tab.page.get_by_text("my private matter")).to_have_count(0)
    tab.page.get_by_text("Hello!").wait_for()
    tab.ask("something else")
    expect(tab.page.get_by_role("button", name="Show source 1")).to_be_visible()
    with tab.page.expect_request("**/logout"):
        tab.page.evaluate("document.querySelector('xiaoer-chat').logout()")
    expect(tab.page.get_by_text("something else")).to_have_count(0)


def test_the_window_can_be_used_soon_after_it_is_opened(server: DeskServer, open_tab: OpenTab) -> None:
    """From the press on the launcher to a box that takes letters, painted: once in twenty, since the machine may be
    busy with other things. That it is an AI stands there by then; the greeting comes as soon as the server answers."""
    server.page = page_of('<body><script src="/widget.js" data-shop="hill"></script>')
    took: list[float] = []
    while len(took) < 20 and min(took, default=USABLE_MS + 1) > USABLE_MS:
        tab = open_tab(f"{server.url}/page")
        tab.page.locator(".launcher").wait_for()
        took.append(tab.page.evaluate(USABLE))
        tab.page.context.close()
    assert min(took) <= USABLE_MS, took


USABLE = """async () => {
  const root = document.querySelector("xiaoer-chat").shadowRoot;
  const begun = performance.now();
  root.querySelector(".launcher").click();
  for (;;) {
    await new Promise(requestAnimationFrame);
    const [box, kind] = [root.activeElement, root.querySelector(".who p")];
    if (box?.tagName === "TEXTAREA" && box.checkVisibility() && /AI/.test(kind.textContent)) break;
  }
  await new Promise(requestAnimationFrame);
  return performance.now() - begun;
}"""
