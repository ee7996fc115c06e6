"""What is fetched for a shop, from a real server on this machine: kept, renewed, refused, and never from within."""

# ruff: noqa: E501
from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from app.errors import BadInput
from ingestion.sources import Scope, Shelf
from ingestion.sources.fetch import Fetcher, is_allowed, is_public, networks
from ingestion.sources.shop import ShopSource, read_sources
from ingestion.sources.web import WebSource

pytestmark = pytest.mark.integration

LOOPBACK = networks("127.0.0.0/8")
PAGE = "<html><body><h1>Help</h1><p>We ship within two days of your order.</p></body></html>"


class Site:
    """A web server whose answers a test may change. `asked` has (path, headers) of every request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, Callable[[web.Request], web.StreamResponse]] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path_qs, {name.lower(): value for name, value in request.headers.items()}))
        answer = self.answers.get(request.path)
        return answer(request) if answer else web.Response(status=404)

    def says(self, path: str, text: str = PAGE, kind: str = "text/html", **headers: str) -> str:
        def answer(request: web.Request) -> web.Response:
            if (etag := headers.get("etag")) and request.headers.get("if-none-match") == etag:
                return web.Response(status=304)
            return web.Response(text=text, content_type=kind, headers=headers)

        self.answers[path] = answer
        return self.url + path

    def leads(self, path: str, to: str) -> str:
        self.answers[path] = lambda _: web.Response(status=302, headers={"location": to})
        return self.url + path


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    site = Site(f"http://127.0.0.1:{listening.getsockname()[1]}")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    yield site
    await runner.cleanup()


def nobody(stage: str, done: int, total: int) -> None:
    pass


async def bring(tmp_path: Path, *urls: str, **more: str) -> Scope:
    return await WebSource("help", tuple(urls), allowed=LOOPBACK, **more).bring(Shelf(tmp_path), nobody)


async def test_pages_are_kept_under_names_people_recognise(site: Site, tmp_path: Path) -> None:
    urls = [
        site.says("/faq"),
        site.says("/returns/eu.html"),
        site.says("/search"),
        site.says("/feed", "<rss/>", "application/xml"),
        site.says("/list.csv", "question,answer\nA?,B.\n", "application/octet-stream"),
    ]
    urls[2] += "?q=1"
    scope = await bring(tmp_path, *urls)
    names = [file.path.replace("127.0.0.1", "host") for file in scope.files]
    assert names[:2] == ["@help/host/faq.html", "@help/host/feed.xml"]
    assert names[2:4] == ["@help/host/list.csv", "@help/host/returns/eu.html"]
    assert names[4].startswith("@help/host/search-")
    assert scope.failed == {}
    assert scope.in_scope("@help/host/gone.html")
    assert not scope.in_scope("knowledge/faq.csv")


async def test_what_has_not_changed_is_not_sent_again(site: Site, tmp_path: Path) -> None:
    url = site.says("/faq", etag='"1"')
    await bring(tmp_path, url)
    again = await bring(tmp_path, url)
    assert site.asked[1][1]["if-none-match"] == '"1"'
    assert (len(again.files), again.failed) == (1, {})
    assert again.files[0].file.read_text() == PAGE


async def test_a_page_that_fails_keeps_its_last_copy_and_stops_no_other(site: Site, tmp_path: Path) -> None:
    good, bad = site.says("/faq"), site.says("/returns")
    await bring(tmp_path, good, bad)
    site.answers["/returns"] = lambda _: web.Response(status=503)
    scope = await bring(tmp_path, good, bad)
    assert [file.path for file in scope.files] == ["@help/127.0.0.1/faq.html"]
    assert list(scope.failed) == ["@help/127.0.0.1/returns.html"]
    assert "status 503" in scope.failed["@help/127.0.0.1/returns.html"]
    assert (Shelf(tmp_path).place("@help") / "127.0.0.1" / "returns.html").read_text() == PAGE


async def test_an_address_that_is_no_longer_listed_takes_its_copy_along(site: Site, tmp_path: Path) -> None:
    urls = [site.says("/faq"), site.says("/returns/eu")]
    await bring(tmp_path, *urls)
    await bring(tmp_path, urls[0])
    assert [file.path for file in Shelf(tmp_path).kept()] == ["@help/127.0.0.1/faq.html"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/faq", "http://localhost:{port}/faq", "http://localhost/faq", "http://127.1/faq", "http://2130706433/faq",
        "http://0x7f.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
        "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://192.168.1.1/", "http://172.16.0.1/", "http://100.64.0.1/",
        "http://0.0.0.0/", "http://224.0.0.1/", "http://[fe80::1%25eth0]/", "http://[fc00::1]/", "file:///etc/passwd", "ftp://x.example/a",
        "gopher://x.example", "http://", "http://user:pass@127.0.0.1/", "http://8.8.8.8:6379/", "//127.0.0.1/", "javascript:alert(1)",
    ],
)  # fmt: skip
async def test_nothing_inside_our_network_is_ever_asked(site: Site, tmp_path: Path, url: str) -> None:
    port = site.url.rpartition(":")[2]
    async with Fetcher() as fetcher:
        with pytest.raises(BadInput):
            await fetcher.fetch(url.format(port=port), tmp_path / "x")
    assert site.asked == []
    assert not (tmp_path / "x").exists()


async def test_a_redirect_is_judged_like_an_address(site: Site, tmp_path: Path) -> None:
    site.says("/faq")
    for place in ("http://10.0.0.1/", "http://169.254.169.254/", "file:///etc/passwd", "//192.168.0.1/x"):
        site.leads("/away", place)
        async with Fetcher(LOOPBACK) as fetcher:
            with pytest.raises(BadInput):
                await fetcher.fetch(site.url + "/away", tmp_path / "x")
    site.leads("/near", "/faq")
    async with Fetcher(LOOPBACK) as fetcher:
        fetched = await fetcher.fetch(site.url + "/near", tmp_path / "x")
    assert fetched.url == site.url + "/faq"


async def test_a_host_that_resolves_elsewhere_the_second_time_is_not_asked_there(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One lookup, and the connection goes to what it gave: there is no second one to be cheated in."""
    looked: list[str] = []
    port = int(site.url.rpartition(":")[2])
    site.says("/faq")

    async def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        looked.append(host)
        address = "127.0.0.1" if len(looked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
    async with Fetcher(LOOPBACK) as fetcher:
        await fetcher.fetch(f"http://shop.example:{port}/faq", tmp_path / "x")
    assert (looked, (tmp_path / "x").read_text()) == (["shop.example"], PAGE)
    async with Fetcher(LOOPBACK) as fetcher:
        with pytest.raises(BadInput, match="private network"):
            await fetcher.fetch(f"http://shop.example:{port}/faq", tmp_path / "y")


async def test_a_loop_a_flood_and_silence_end(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = site.leads("/loop", "/loop")
    big = site.says("/big", "x" * 300_000, "text/plain")
    packed = gzip.compress(b"x" * 3_000_000)
    site.answers["/bomb"] = lambda _: web.Response(
        body=packed, headers={"content-encoding": "gzip"}, content_type="text/plain"
    )
    empty = site.says("/empty", "")
    async with Fetcher(LOOPBACK, max_bytes=200_000) as fetcher:
        for url, problem in (
            (loop, "on and on"),
            (big, "more than"),
            (site.url + "/bomb", "more than"),
            (empty, "empty"),
        ):
            with pytest.raises(BadInput, match=problem):
                await fetcher.fetch(url, tmp_path / "x")
    assert not (tmp_path / "x").exists()

    async def never(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(5)
        return response

    monkeypatch.setattr("ingestion.sources.fetch.TOTAL_SECONDS", 0.3)
    silent = await _served(never)
    async with Fetcher(LOOPBACK) as fetcher:
        with pytest.raises(BadInput, match="did not answer in time"):
            await fetcher.fetch(silent[0], tmp_path / "x")
    await silent[1].cleanup()


async def _served(handler: Callable[[web.Request], object]) -> tuple[str, web.AppRunner]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}/", runner


async def test_a_type_nobody_reads_is_refused(site: Site, tmp_path: Path) -> None:
    scope = await bring(tmp_path, site.says("/film", "x", "video/mp4"))
    assert "type video/mp4, which is not read" in next(iter(scope.failed.values()))
    assert scope.files == ()


async def test_a_help_centre_is_read_page_by_page(site: Site, tmp_path: Path) -> None:
    base = "/api/v2/help_center/zh-cn"
    first = {
        "articles": [{"id": 1, "title": "多久发货？", "body": "<p>当天。</p>"}],
        "next_page": f"{site.url}{base}/more",
    }
    site.says(f"{base}/articles.json", json.dumps(first), "application/json")
    site.says(f"{base}/more", json.dumps({"articles": [{"id": 2}], "next_page": None}), "application/json")
    site.says(f"{base}/sections.json", json.dumps({"sections": [{"id": 7, "name": "发货"}]}), "application/json")
    scope = await bring(tmp_path, help_centre=site.url, locale="zh-cn")
    [file] = scope.files
    told = json.loads(file.file.read_text(encoding="utf-8"))
    assert file.path == "@help/articles.json"
    assert ([a["id"] for a in told["articles"]], told["sections"][0]["name"]) == ([1, 2], "发货")


async def test_a_help_centre_that_breaks_off_or_leads_elsewhere_keeps_its_last_copy(site: Site, tmp_path: Path) -> None:
    base = "/api/v2/help_center"
    site.says(f"{base}/sections.json", "{}", "application/json")
    site.says(f"{base}/articles.json", '{"articles": [{"id": 1}]}', "application/json")
    await bring(tmp_path, help_centre=site.url)
    for following in (f"{site.url}/broken", "http://other.example/"):
        page = {"articles": [], "next_page": following}
        site.says(f"{base}/articles.json", json.dumps(page), "application/json")
        scope = await bring(tmp_path, help_centre=site.url)
        assert list(scope.failed) == ["@help/articles.json"]
    assert '"id": 1' in (Shelf(tmp_path).place("@help") / "articles.json").read_text()


def test_public_is_what_everybody_can_reach() -> None:
    for address in ("8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"):
        assert is_public(ipaddress.ip_address(address)), address
    for address in (
        "127.0.0.1",
        "10.1.1.1",
        "::1",
        "fd00::1",
        "64:ff9b::a00:1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
    ):
        assert not is_public(ipaddress.ip_address(address)), address
    assert is_allowed(ipaddress.ip_address("10.1.1.1"), networks("10.1.0.0/16"))
    assert not is_allowed(ipaddress.ip_address("10.2.1.1"), networks("10.1.0.0/16, fd00::/8"))
    with pytest.raises(BadInput, match="write networks like"):
        networks("ten")


async def test_a_shop_folder_brings_what_its_list_names_and_drops_what_it_named_once(
    site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "shop"
    (folder / "knowledge").mkdir(parents=True)
    (folder / "brand.yaml").write_text("name: Hill\n")
    (folder / "knowledge" / "a.md").write_text("# A\n\nText.\n")
    listed = folder / "sources.yaml"
    listed.write_text(
        f"sources:\n- {{name: help, urls: ['{site.says('/faq')}']}}\n- {{name: old, url: '{site.url}/faq'}}\n"
    )
    shelf = Shelf(tmp_path / "home")
    scope = await ShopSource(folder, "127.0.0.0/8").bring(shelf, nobody)
    assert [file.path for file in scope.files] == [
        "knowledge/a.md",
        "@help/127.0.0.1/faq.html",
        "@old/127.0.0.1/faq.html",
    ]
    listed.write_text(f"sources: [{{name: help, urls: ['{site.url}/faq']}}]\n")
    source = ShopSource(folder, "127.0.0.0/8")
    scope = await source.bring(shelf, nobody)
    assert [file.path for file in (*scope.files, *scope.others)] == ["knowledge/a.md", "@help/127.0.0.1/faq.html"]
    assert scope.in_scope("@old/127.0.0.1/faq.html")
    assert not scope.in_scope("@uploads/faq.csv")
    assert not scope.in_scope("@console/faq.csv")
    await source.settle(set())
    assert not shelf.place("@old").exists()
    part = await ShopSource(folder / "knowledge" / "a.md", "127.0.0.0/8").bring(shelf, nobody)
    assert [file.path for file in part.files] == ["knowledge/a.md"]
    assert not part.in_scope("@help/127.0.0.1/faq.html")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sources: [", "not valid YAML"), ("- a", "must hold `sources:`"), ("sources: [{urls: [x]}]", "`name` is missing"),
        ("sources: [{name: uploads, urls: [x]}]", "is taken"), ("sources: [{name: a}]", "either `urls`"),
        ("sources: [{name: a, urls: [x], help_centre: y}]", "either `urls`"), ("sources: [{name: ../a, urls: [x]}]", "`name` is missing"),
        ("sources: [{name: a, help_centre: x, locale: ../}]", "`locale`"), ("sources: [{name: a, url: x}, {name: a, url: y}]", "twice"),
    ],
)  # fmt: skip
def test_a_list_of_sources_that_cannot_be_read_says_where(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "sources.yaml").write_text(text)
    with pytest.raises(BadInput, match=problem):
        read_sources(tmp_path)
