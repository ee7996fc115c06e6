"""What shoppers, agents and editors write is text, wherever it is shown: no word of it is ever taken for markup."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest

from app.chat.turn import Answer, Citation, Decision, Evidence, Passage, Question, Sentence, Turn
from app.knowledge.chunk import Chunk, Kind
from app.shop.brand import Brand
from tests.builders import an_order
from tests.e2e.conftest import OpenTab, Tab
from tests.e2e.desk_server import DeskServer
from tests.e2e.test_console_in_browser import Console, console, go, run, try_question
from tests.e2e.test_desk_in_browser import OpenDesk, a_file, answer, open_desk, take
from tests.e2e.test_widget_in_browser import expect
from tests.edge import API_KEY, BRAND
from tests.fakes import FakeAttendant, FakeOrders
from tests.pictures import a_picture

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
__all__ = ["console", "open_desk"]

OWN = "document.title='owned'"
CORPUS = (
    f"<script>{OWN}</script>",
    f'<img src=x onerror="{OWN}">',
    f"<svg/onload={OWN}>",
    f"<svg><script>{OWN}</script></svg>",
    f"<iframe srcdoc='<script>parent.{OWN}</script>'>",
    f"<details open ontoggle={OWN}>",
    f"<body onload={OWN}>",
    f'<a href="javascript:{OWN}">tap</a>',
    f"[tap](javascript:{OWN})",
    f"javascript:{OWN}",
    f'"><script>{OWN}</script>',
    f"' onmouseover='{OWN}' x='",
    f"</textarea><script>{OWN}</script>",
    f"</style><img src=x onerror={OWN}>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={OWN}>",
    f'<noscript><p title="</noscript><img src=x onerror={OWN}>">',
    f"&lt;img src=x onerror={OWN}&gt;",
    f'<meta http-equiv=refresh content="0;javascript:{OWN}">',
    f"<base href=https://evil.example/><form action=javascript:{OWN}><button autofocus onfocus={OWN}>",
    f'${{{OWN}}} {{{{constructor.constructor("{OWN}")()}}}}',
    f"\u202e<img src=x onerror={OWN}>\u2066",
    f"<scr\0ipt>{OWN}</scr\0ipt>",
)
ALL = "\n".join(CORPUS)
SHORT = CORPUS[1]
CONTRABAND = (
    "script:not([src]), iframe, object, embed, base, meta[http-equiv], math, details[ontoggle], "
    "form[action^='javascript' i], form[action^='http' i], button[onfocus], "
    "img:not([src^='blob:']):not([src^='/v1/']), a[href^='javascript' i], [onerror], [onload], [onfocus], [onmouseover]"
)


class HostileAttendant(FakeAttendant):
    """A shop whose every field is hostile: an FAQ, a policy and a product answer with the whole corpus."""

    async def decide(self, turn: Turn) -> Decision:
        if "human" in turn.text:
            return await super().decide(turn)
        card = Chunk(
            "p1", "products", ALL, SHORT, Kind.PRODUCT, SHORT, ALL, "en", "h",
            attributes=MappingProxyType({"price": SHORT, SHORT: ALL, "material": SHORT}),
        )  # fmt: skip
        question = Question(turn.text, turn.text, "en")
        return Answer(question, Evidence((Passage(card, {}, 0.9),)), 0.9, related_questions=tuple(CORPUS[:3]))

    async def reply(self, turn: Turn, decision: Decision) -> AsyncIterator[Sentence]:
        if "human" in turn.text:
            async for sentence in super().reply(turn, decision):
                yield sentence
            return
        for text in CORPUS:
            yield Sentence(text, (Citation(ALL, SHORT, SHORT, ALL),), "approved")


def hostile_brand(shop: str) -> Brand:
    return replace(BRAND, name=SHORT, assistant_name=SHORT, greeting={"zh": ALL, "en": ALL}, notes={"accent": SHORT})


async def hostile_welcome(shop: str, language: str) -> Sequence[str]:
    return CORPUS[:4]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DeskServer]:
    order = an_order("TC20260001", customer_id="c7", status=SHORT, carrier=SHORT, tracking_no=SHORT, address_city=SHORT)
    parts = {
        "attendant": HostileAttendant(),
        "brands": hostile_brand,
        "welcome": hostile_welcome,
        "orders": FakeOrders(order),
    }
    with DeskServer(tmp_path, **parts) as running:
        yield running


def is_clean(*tabs: Tab) -> None:
    """Nothing ran, and nothing that could run is in the page or in the window."""
    for tab in tabs:
        tab.page.wait_for_timeout(150)
        assert "owned" not in tab.page.title()
        smuggled = tab.page.locator(CONTRABAND).evaluate_all("found => found.map(e => e.outerHTML)")
        assert smuggled == []
        tab.page.evaluate("document.querySelectorAll('*').forEach(e => e.dispatchEvent(new MouseEvent('mouseover')))")
        assert "owned" not in tab.page.title()


def test_what_shop_shopper_and_agent_write_is_text_in_window_and_desk(
    server: DeskServer, open_tab: OpenTab, open_desk: OpenDesk
) -> None:
    shopper, mei = open_tab(f"{server.url}/shop"), open_desk("mei")
    expect(shopper.page.locator(".turn.bot .bubble").first).to_have_text(ALL)
    shopper.ask(ALL.replace("\n", " "))
    expect(shopper.page.locator(".card strong")).to_have_text(SHORT)
    expect(shopper.page.locator(".turn.bot .sentence")).to_have_count(len(CORPUS))
    shopper.page.locator(".turn.bot .cite").first.click()
    expect(shopper.page.locator("blockquote")).to_contain_text(CORPUS[0])
    is_clean(shopper)
    shopper.page.keyboard.press("Escape")
    shopper.ask("a human please")
    chat = take(mei)
    expect(chat.locator(".said.shopper").first).to_contain_text(CORPUS[0])
    name = f"{CORPUS[0]}{CORPUS[1]}.png"
    shopper.page.locator("xiaoer-chat input[type=file]").set_input_files(a_file(name, a_picture()))
    expect(chat.locator(".said.file img")).to_have_js_property("naturalWidth", 40)
    for text in (CORPUS[0], CORPUS[1], ALL.replace("\n", " ").replace("\0", "")):
        answer(chat, text)
        expect(shopper.page.locator(".turn.agent .bubble").last).to_have_text(text)
    mei.page.keyboard.press("Alt+i")
    answer(chat, SHORT)
    expect(chat.locator(".said.note")).to_contain_text(SHORT)
    is_clean(shopper, mei)


def test_a_customers_name_page_and_orders_are_text_on_the_desk(server: DeskServer, open_desk: OpenDesk) -> None:
    mei = open_desk("mei")
    headers = {"authorization": f"Bearer {API_KEY}"}
    for page in (f"javascript:{OWN}", SHORT, f"https://shop.example/{SHORT}"):
        body = {"shop": "hill", "identity": {"customer_id": "c7"}, "page": page}
        begun = httpx.post(f"{server.url}/v1/conversations", json=body, headers=headers).json()
        token = {"authorization": f"Bearer {begun['token']}"}
        httpx.post(f"{server.url}/v1/conversations/{begun['id']}/handoff", json={}, headers=token)
        httpx.post(
            f"{server.url}/v1/conversations/{begun['id']}/handoff",
            json={"contact": "a@b.example", "message": SHORT},
            headers=token,
        )
        take(mei)
        expect(mei.page.locator(".desk-order")).to_contain_text(SHORT)
        is_clean(mei)


HOSTILE_FAQ = "question,answer,section\n" + "\n".join(
    f'"{n} {text} really?","Answer {n}: {text}","{text}"'
    for n, text in enumerate(c.replace('"', '""').replace("\0", "") for c in CORPUS)
)
HOSTILE_PRODUCTS = "sku,title,price,origin\n" + "\n".join(
    f'HX-{100 + n},"Thing {n} {text}",9.50,"{text}"'
    for n, text in enumerate(c.replace('"', '""').replace("\0", "") for c in CORPUS)
)


def test_hostile_rows_are_text_in_the_console_and_to_shoppers(console: Console, open_tab: OpenTab) -> None:
    folder = console.home / "harbour-files"
    (folder / "knowledge" / "hostile.csv").write_text(HOSTILE_FAQ, encoding="utf-8")
    (folder / "knowledge" / "hostile-products.csv").write_text(HOSTILE_PRODUCTS, encoding="utf-8")
    run(console.home, "ingest", str(folder), "--shop", "harbour", "--publish", fails=True)
    tab = open_tab(f"{console.url}/console")
    console.sign_in(tab)
    for page in ("Knowledge", "Products", "Releases"):
        go(tab, page)
        is_clean(tab)
    go(tab, "Knowledge")
    row = tab.page.get_by_text("really?").first
    row.wait_for()
    row.click()
    is_clean(tab)
    try_question(tab, f"1 {CORPUS[1]} really?")
    is_clean(tab)
    shop = open_tab(f"{console.url}/demo?shop=harbour&lang=en")
    shop.page.get_by_text("Hello, I'm Pip.").first.wait_for()
    shop.ask("Thing 1 origin?")
    shop.page.locator(".turn.bot .bubble").nth(1).wait_for()
    is_clean(shop)
