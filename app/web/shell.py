"""The frame of every staff page: navigation, language, shop, and the headers that keep the page to itself.

Templates extend `staff/base.html` and write each text as `t("中文", "English")`: no line exists in one language only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.api.container import Container
from app.api.staff import allowed, session_token, signed_in
from app.errors import Forbidden, NotFound
from app.staff.account import Account, Role
from app.staff.door import csrf_of
from app.web.routes import CONTENT_SECURITY_POLICY, file_of, preferred_language, templates

LANGUAGE_COOKIE = "xiaoer-language"
SIGN_IN = "/console/sign-in"
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.replace("frame-ancestors 'self'", "frame-ancestors 'none'"),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SCRIPTS = {"console": "built/console.js", "desk": "built/desk.js"}
"""Scripts that a page may name; each is built from app/web/src by `npm run build`."""


@dataclass(frozen=True, slots=True)
class NavItem:
    """One page in the navigation. `roles` see it (none: everybody); `tab` keeps it in reach of the thumb on a phone."""

    key: str
    path: str
    zh: str
    en: str
    icon: str
    roles: tuple[Role, ...] = ()
    tab: bool = False


EDITORS = (Role.EDITOR,)
DESK_ROLES = (Role.AGENT, Role.SUPERVISOR)
ROLE_NAMES = {
    Role.ADMIN: ("管理员", "Admin"),
    Role.EDITOR: ("编辑", "Editor"),
    Role.SUPERVISOR: ("主管", "Supervisor"),
    Role.AGENT: ("客服", "Agent"),
}
NAV: Sequence[NavItem] = (
    NavItem("home", "/console", "概览", "Overview", "home", EDITORS, tab=True),
    NavItem("knowledge", "/console/knowledge", "知识", "Knowledge", "book", EDITORS, tab=True),
    NavItem("products", "/console/products", "商品", "Products", "tag", EDITORS),
    NavItem("upload", "/console/upload", "上传", "Upload", "upload", EDITORS),
    NavItem("releases", "/console/releases", "发布", "Releases", "layers", EDITORS, tab=True),
    NavItem("test", "/console/test", "试问", "Hit test", "search", EDITORS, tab=True),
    NavItem("trust", "/console/trust", "可信度", "Trust", "shield", EDITORS),
    NavItem("review", "/console/review", "回收", "Review", "again", EDITORS),
    NavItem("brand", "/console/brand", "店铺与欢迎语", "Brand & welcome", "shop", EDITORS),
    NavItem("setup", "/console/setup", "开店向导", "Set-up guide", "spark", EDITORS),
    NavItem("desk", "/desk", "工作台", "Desk", "chat", DESK_ROLES, tab=True),
    NavItem("staff", "/console/staff", "成员", "Staff", "people", (Role.ADMIN,)),
)


@dataclass(frozen=True, slots=True)
class View:
    """Who looks at a page, in which language, at which shop."""

    account: Account
    language: str
    shop: str
    shops: Sequence[tuple[str, str]]
    csrf: str
    here: str

    def t(self, zh: str, en: str) -> str:
        """The line in the reader's language."""
        return zh if self.language == "zh" else en

    def link(self, path: str, **query: str) -> str:
        """An address within the console that keeps the shop."""
        wanted = ({"shop": self.shop} if len(self.shops) > 1 else {}) | query
        return f"{path}?{urlencode(wanted)}" if wanted else path


def language_of(request: Request) -> str:
    """The reader's language: chosen before, or the browser's, or Chinese."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in ("zh", "en") else preferred_language(request.headers.get("accept-language", "")) or "zh"


async def view_of(request: Request, *roles: Role) -> View | Response:
    """The signed-in reader of a page; or the answer to who is not signed in, or may not see it. Raises NotFound."""
    container: Container = request.app.state.container
    account = await signed_in(request, container.door)
    there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if account is None:
        return RedirectResponse(f"{SIGN_IN}?next={quote(there)}", 303, HEADERS)
    try:
        allowed(account, *roles, shop=request.query_params.get("shop", ""))
    except Forbidden:
        return _not_yours(request, account)
    shops = [(shop, container.brands(shop).name) for shop in await reachable_shops(container, account)]
    asked = request.query_params.get("shop", "")
    names = [shop for shop, _ in shops]
    if asked and asked not in names:
        raise NotFound("There is no such shop here.")
    shop = asked or (container.default_shop if container.default_shop in names else next(iter(names), ""))
    return View(account, language_of(request), shop, shops, csrf_of(session_token(request)), there)


def _not_yours(request: Request, account: Account) -> Response:
    language = language_of(request)
    words = {"language": language, "t": lambda zh, en: zh if language == "zh" else en}
    context = words | {"account": account, "csrf": csrf_of(session_token(request)), "roles": ROLE_NAMES}
    return rendered("staff/forbidden.html", context, status=403)


async def reachable_shops(container: Container, account: Account) -> list[str]:
    """The shops that are here and the account works for."""
    found = []
    for shop in await container.knowledge.shops():
        if account.works_for(shop):
            try:
                container.brands(shop)
            except NotFound:
                continue
            found.append(shop)
    return found


def page(template: str, view: View, active: str, *, script: str = "console", **more: Any) -> Response:
    """A page of the console for somebody who is signed in; `active` is the key of its entry in the navigation."""
    items = [item for item in NAV if view.account.may(item.roles)]
    context: Mapping[str, Any] = {"view": view, "nav": items, "active": active, "t": view.t, "language": view.language}
    context = {**context, "role": view.t(*ROLE_NAMES[view.account.role])}
    return rendered(template, {**context, **more}, script)


def rendered(template: str, context: Mapping[str, Any], script: str = "", status: int = 200) -> Response:
    """A template as a response with every header a staff page needs."""
    files = {"css": file_of("static/staff.css")[1], "script": script}
    if script:
        files["version"] = file_of(SCRIPTS[script])[1]
    return HTMLResponse(templates().get_template(template).render(files=files, **context), status, dict(HEADERS))
