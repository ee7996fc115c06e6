"""Signing in over HTTP, the frame around every staff page, and who may call what."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.api.container import Container
from app.main import create_app
from app.staff.account import Role
from app.staff.door import Door
from app.web.console import PAGES
from tests.edge import API_KEY, make_container

GOOD = "correct horse battery"


@pytest.fixture
async def container(tmp_path: Path) -> AsyncIterator[Container]:
    container = make_container(tmp_path)
    yield container
    await container.conversations.close()
    await container.close()


@pytest.fixture
def door(container: Container) -> Door:
    assert container.door is not None
    return container.door


def browser(container: Container, scheme: str = "http") -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=create_app(container)),
        base_url=f"{scheme}://shop.test",
        headers={"accept-language": "en"},
    )


@pytest.fixture
async def client(container: Container) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(container) as opened:
        yield opened


def csrf_in(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" (?:value|content)="(\w+)"', page.text)
    assert found, page.text
    return found[1]


async def sign_in(client: httpx.AsyncClient, login: str, password: str = GOOD, **more: str) -> httpx.Response:
    form = await client.get("/console/sign-in")
    fields = {"csrf": csrf_in(form), "login": login, "password": password} | more
    return await client.post("/console/sign-in", data=fields)


async def signed_in(client: httpx.AsyncClient, door: Door, role: Role, shop: str = "") -> str:
    """Add an account, sign it in, and give its CSRF token."""
    client.cookies.clear()
    await door.add(role.value, f"{role.value} of <b>{shop}</b>", role, shop, GOOD)
    assert (await sign_in(client, role.value)).status_code == 303
    return csrf_in(await client.get("/console/account"))


async def test_a_stranger_is_sent_to_sign_in_and_comes_back_to_where_they_were_going(
    client: httpx.AsyncClient, door: Door
) -> None:
    await door.add("mei", "Mei", Role.EDITOR, "", GOOD)
    sent = await client.get("/console/test?q=a%20b")
    assert (sent.status_code, sent.headers["location"]) == (303, "/console/sign-in?next=/console/test%3Fq%3Da%2520b")
    form = await client.get(sent.headers["location"])
    there = re.search(r'name="next" value="([^"]*)"', form.text)
    assert there
    back = await sign_in(client, "mei", next=there[1])
    assert back.headers["location"] == "/console/test?q=a%20b"


async def test_a_server_without_accounts_says_how_the_first_is_made(client: httpx.AsyncClient, door: Door) -> None:
    assert "xiaoer staff add admin --role admin --link" in (await client.get("/console/sign-in")).text
    await door.add("mei", "Mei", Role.EDITOR, "", None)
    assert "staff add" not in (await client.get("/console/sign-in")).text


@pytest.mark.parametrize("next", ["//evil.test/", "https://evil.test", "/\\evil.test", "javascript:alert(1)"])
async def test_signing_in_never_leads_to_another_site(client: httpx.AsyncClient, door: Door, next: str) -> None:
    await door.add("mei", "Mei", Role.EDITOR, "", GOOD)
    assert (await sign_in(client, "mei", next=next)).headers["location"] == "/console"


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(container: Container, door: Door) -> None:
    await door.add("mei", "Mei", Role.EDITOR, "", GOOD)
    async with browser(container) as plain:
        cookie = (await sign_in(plain, "mei")).headers.get_list("set-cookie")[0].lower()
        assert cookie.startswith("xiaoer-staff=")
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "secure" not in cookie
    async with browser(container, "https") as safe:
        cookie = (await sign_in(safe, "mei")).headers.get_list("set-cookie")[0]
        assert cookie.startswith("__Host-xiaoer-staff=")
        assert "; Secure" in cookie


async def test_a_wrong_password_shows_the_form_again_and_a_guesser_is_told_to_wait(
    client: httpx.AsyncClient, door: Door
) -> None:
    await door.add("mei", "Mei", Role.EDITOR, "", GOOD)
    wrong = await sign_in(client, "mei", "a wrong guess")
    assert wrong.status_code == 401
    assert "is wrong" in wrong.text
    for _ in range(4):
        await sign_in(client, "mei", "a wrong guess")
    slow = await sign_in(client, "mei")
    assert slow.status_code == 429
    assert "Too many tries" in slow.text


async def test_a_form_from_elsewhere_signs_nobody_in_or_out(client: httpx.AsyncClient, door: Door) -> None:
    token = await signed_in(client, door, Role.EDITOR)
    for headers, fields in (
        ({}, {}),
        ({}, {"csrf": "0" * 64}),
        ({"origin": "https://evil.test"}, {"csrf": token}),
    ):
        refused = await client.post("/console/sign-out", data=fields, headers=headers)
        assert refused.status_code == 403
    assert (await client.get("/console/account")).status_code == 200
    async with httpx.AsyncClient(transport=client._transport, base_url="http://shop.test") as stranger:
        posted = await stranger.post("/console/sign-in", data={"login": "editor", "password": GOOD})
        assert posted.status_code == 403


async def test_signing_out_ends_it_on_the_server_too(client: httpx.AsyncClient, door: Door) -> None:
    token = await signed_in(client, door, Role.EDITOR)
    kept = client.cookies.get("xiaoer-staff")
    left = await client.post("/console/sign-out", data={"csrf": token})
    assert left.headers["location"] == "/console/sign-in"
    again = await client.get("/console/account", headers={"cookie": f"xiaoer-staff={kept}"})
    assert again.status_code == 303


async def test_a_one_time_link_signs_in_by_a_tap_not_by_a_look(client: httpx.AsyncClient, door: Door) -> None:
    await door.add("mei", "Mei", Role.SUPERVISOR, "", None)
    token = await door.link_for("mei")
    page = await client.get("/console/welcome")
    assert token not in page.text
    fields = {"csrf": csrf_in(page), "token": token}
    came = await client.post("/console/welcome", data=fields)
    assert (came.status_code, came.headers["location"]) == (303, "/console/account"), "there is no password yet"
    set_one = {"csrf": csrf_in(await client.get("/console/account")), "new": GOOD}
    assert (await client.post("/console/account", data=set_one)).status_code == 303
    client.cookies.clear()
    assert (await sign_in(client, "mei")).headers["location"] == "/desk"
    client.cookies.clear()
    page = await client.get("/console/welcome")
    used = await client.post("/console/welcome", data={"csrf": csrf_in(page), "token": token})
    assert used.status_code == 401
    assert "no longer good" in used.text


@pytest.mark.parametrize("path", [*PAGES.values(), "/console/staff", "/console/account"])
async def test_every_page_has_a_strict_policy_no_inline_code_and_both_languages(
    client: httpx.AsyncClient, door: Door, path: str
) -> None:
    token = await signed_in(client, door, Role.ADMIN)
    page = await client.get(path)
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*src=)|https?://", page.text)
    assert "&lt;b&gt;" in page.text
    assert "<b>" not in page.text
    assert '<html lang="en">' in page.text
    assert not re.search(r"[一-鿿]", re.sub(r"小二|中文|[^>]*<option[^>]*>.*?</option>", "", page.text))
    await client.post("/console/language", data={"csrf": token, "language": "zh", "next": path})
    assert '<html lang="zh-CN">' in (await client.get(path)).text


async def test_an_agent_sees_no_console_page_and_an_editor_no_staff_page(client: httpx.AsyncClient, door: Door) -> None:
    await signed_in(client, door, Role.AGENT)
    assert (await client.get("/console")).status_code == 403
    await signed_in(client, door, Role.EDITOR)
    assert (await client.get("/console")).status_code == 200
    assert (await client.get("/console/staff")).status_code == 403


async def test_the_api_takes_the_key_or_a_session_with_its_csrf_token(client: httpx.AsyncClient, door: Door) -> None:
    publish = "/v1/knowledge/releases/publish"
    body = {"shop": "hill", "release": 1}
    assert (await client.post(publish, json=body)).status_code == 401
    assert (await client.post(publish, json=body, headers={"x-api-key": API_KEY})).status_code == 200
    token = await signed_in(client, door, Role.EDITOR)
    assert (await client.get("/v1/knowledge/releases?shop=hill")).status_code == 200
    assert (await client.post(publish, json=body)).status_code == 403
    assert (await client.post(publish, json=body, headers={"x-csrf-token": token})).status_code == 200
    await signed_in(client, door, Role.AGENT)
    agents = csrf_in(await client.get("/console/account"))
    assert (await client.post(publish, json=body, headers={"x-csrf-token": agents})).status_code == 403


async def test_an_account_of_one_shop_does_not_reach_another(client: httpx.AsyncClient, door: Door) -> None:
    await signed_in(client, door, Role.EDITOR, "elsewhere")
    assert (await client.get("/v1/knowledge/releases?shop=hill")).status_code == 403
    assert (await client.get("/console?shop=hill")).status_code == 403


async def test_ones_own_password_is_changed_by_who_knows_the_old_one(client: httpx.AsyncClient, door: Door) -> None:
    token = await signed_in(client, door, Role.EDITOR)
    wrong = await client.post("/console/account", data={"csrf": token, "old": "no", "new": "a new long one"})
    assert "old password is wrong" in wrong.text
    short = await client.post("/console/account", data={"csrf": token, "old": GOOD, "new": "short"})
    assert "10 to 200" in short.text
    done = await client.post("/console/account", data={"csrf": token, "old": GOOD, "new": "a new long one"})
    assert done.status_code == 303
    assert (await client.get(done.headers["location"])).status_code == 200
    client.cookies.clear()
    assert (await sign_in(client, "editor", "a new long one")).status_code == 303


async def test_an_admin_adds_accounts_that_come_in_by_link_and_an_editor_does_not(
    client: httpx.AsyncClient, door: Door
) -> None:
    csrf = {"x-csrf-token": await signed_in(client, door, Role.ADMIN)}
    body = {"login": "lin", "name": "小林", "role": "agent", "shop": "hill"}
    added = await client.post("/v1/staff", json=body, headers=csrf)
    assert added.status_code == 201
    assert added.json()["link"].startswith("/console/welcome#")
    assert [a["login"] for a in (await client.get("/v1/staff")).json()["accounts"]] == ["admin", "lin"]
    assert (await client.post("/v1/staff", json=body, headers=csrf)).status_code == 409
    assert (await client.post("/v1/staff/lin/disable", headers=csrf)).json()["disabled"] is True
    assert (await client.post("/v1/staff/lin/link", headers=csrf)).status_code == 409
    assert (await client.post("/v1/staff/lin/enable", headers=csrf)).json()["disabled"] is False
    assert (await client.post("/v1/staff/lin/link", headers=csrf)).status_code == 200
    assert (await client.post("/v1/staff/admin/disable", headers=csrf)).status_code == 409, "not oneself"
    await signed_in(client, door, Role.EDITOR)
    assert (await client.get("/v1/staff")).status_code == 403


async def test_an_admin_of_one_shop_reaches_its_accounts_only(client: httpx.AsyncClient, door: Door) -> None:
    await door.add("other", "Other", Role.AGENT, "teahouse", GOOD)
    csrf = {"x-csrf-token": await signed_in(client, door, Role.ADMIN, "hill")}
    assert [a["login"] for a in (await client.get("/v1/staff")).json()["accounts"]] == ["admin"]
    assert (await client.post("/v1/staff/other/link", headers=csrf)).status_code == 403
    added = await client.post("/v1/staff", json={"login": "new", "role": "admin", "shop": "teahouse"}, headers=csrf)
    assert added.json()["shop"] == "hill"


async def test_a_forgotten_password_is_taken_away_with_every_session(client: httpx.AsyncClient, door: Door) -> None:
    await door.add("lin", "Lin", Role.AGENT, "", GOOD)
    before = (await door.sign_in("lin", GOOD, "192.0.2.1")).token
    csrf = {"x-csrf-token": await signed_in(client, door, Role.ADMIN)}
    link = (await client.post("/v1/staff/lin/link", headers=csrf)).json()["link"]
    assert await door.session_of(before) is None
    assert (await door.sign_in_by_link(link.partition("#")[2], "192.0.2.1")).account.login == "lin"
