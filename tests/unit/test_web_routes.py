"""The pages and files of the demo, as HTTP answers."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.errors import NotFound
from app.web.picture import _SHAPES
from app.web.routes import HERE, preferred_language, router
from tests.e2e.shop_window import ShopWindow


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(router(ShopWindow()))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as opened:
        yield opened


async def get(client: httpx.AsyncClient, url: str, **headers: str) -> Any:
    return await client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_what_a_shop_wrote_is_escaped(client: httpx.AsyncClient) -> None:
    page = (await get(client, "/demo?shop=hills&lang=en")).text
    assert "&lt;b&gt;Tarn&lt;/b&gt; Socks" in page
    assert "<b>Tarn" not in page


async def test_the_page_needs_nothing_from_elsewhere_and_no_inline_code(client: httpx.AsyncClient) -> None:
    answer = await get(client, "/demo?shop=hills")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*src=)|https?://", answer.text)


async def test_the_page_speaks_the_language_asked_for_then_the_browsers_then_the_shops(
    client: httpx.AsyncClient,
) -> None:
    assert 'lang="zh-CN"' in (await get(client, "/demo?shop=hills&lang=zh")).text[:60]
    assert 'lang="en"' in (await get(client, "/demo?shop=teahouse", accept_language="de, en;q=0.5")).text[:60]
    assert 'lang="zh-CN"' in (await get(client, "/demo?shop=teahouse")).text[:60]


async def test_a_known_page_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await get(client, "/demo?shop=hills")
    again = await get(client, "/demo?shop=hills", if_none_match=f"W/{first.headers['etag']}")
    assert (again.status_code, again.content) == (304, b"")


async def test_a_file_is_kept_for_good_only_under_the_address_with_its_version(client: httpx.AsyncClient) -> None:
    page = (await get(client, "/demo?shop=hills")).text
    address = re.search(r'src="(/widget\.js\?v=\w+)"', page)
    assert address is not None
    assert "immutable" in (await get(client, address[1])).headers["cache-control"]
    stale = await get(client, "/widget.js?v=old")
    assert "immutable" not in stale.headers["cache-control"]
    assert stale.headers["content-type"].startswith("text/javascript")


async def test_no_other_file_is_served(client: httpx.AsyncClient) -> None:
    with pytest.raises(NotFound):
        await get(client, "/web/routes.py")
    assert (await get(client, "/web/..%2froutes.py")).status_code == 404


async def test_every_drawing_a_product_can_get_exists() -> None:
    drawn = set(re.findall(r'<symbol id="(\w+)"', (HERE / "templates/shapes.svg").read_text(encoding="utf-8")))
    assert {shape for shape, _ in _SHAPES} | {"parcel"} <= drawn


async def test_the_widget_stays_under_15_kb() -> None:
    assert len(gzip.compress((HERE / "built/widget.js").read_bytes(), 9)) < 15_000


@pytest.mark.parametrize(
    ("header", "language"),
    [("zh-TW,zh;q=0.9,en;q=0.8", "zh"), ("en;q=0.8, zh;q=0.9", "zh"), ("fr", ""), ("", ""), ("en;q=x,zh;q=0", "")],
)
async def test_the_browsers_first_language_that_we_speak_counts(header: str, language: str) -> None:
    assert preferred_language(header) == language
