"""The pages and files a browser asks for: /demo, /widget.js and what the demo page needs."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from app.errors import NotFound
from app.web.storefront import LANGUAGES, StorefrontData, StorefrontSource
from app.web.words import WORDS

HERE = Path(__file__).parent

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Language",
}
_FILES = {
    "demo.css": ("static/demo.css", "text/css; charset=utf-8"),
    "demo.js": ("static/demo.js", "text/javascript; charset=utf-8"),
    "staff.css": ("static/staff.css", "text/css; charset=utf-8"),
    "console.js": ("built/console.js", "text/javascript; charset=utf-8"),
    "desk.js": ("built/desk.js", "text/javascript; charset=utf-8"),
    "desk.css": ("static/desk.css", "text/css; charset=utf-8"),
    "icon.svg": ("static/icon.svg", "image/svg+xml"),
}
_WIDGET = ("built/widget.js", "text/javascript; charset=utf-8")
_VERSIONED_SECONDS = 31_536_000
_UNVERSIONED_SECONDS = 300
CHIPS_SHOWN = 3


def router(container: StorefrontSource) -> APIRouter:
    """Routes of the demo page. `container` gives its data; see StorefrontSource."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/demo")
    async def demo(request: Request, shop: str = "", lang: str = "") -> Response:
        page = await container.storefront(shop, lang or preferred_language(request.headers.get("accept-language", "")))
        body = render_demo(page)
        return conditional(request, body.encode(), "text/html; charset=utf-8", dict(_PAGE_HEADERS))

    @routes.get("/widget.js")
    async def widget(request: Request) -> Response:
        # Shops embed the widget from their own origin, so it may be loaded from anywhere.
        return static_file(request, *_WIDGET, {"Access-Control-Allow-Origin": "*"})

    @routes.get("/web/{name}")
    async def web_file(request: Request, name: str) -> Response:
        if name not in _FILES:
            raise NotFound("There is no such file here.")
        return static_file(request, *_FILES[name], {})

    return routes


def preferred_language(accept_language: str) -> str:
    """The first of our languages in an Accept-Language header, or "" when it names none of them."""
    ranked: list[tuple[float, int, str]] = []
    for order, part in enumerate(accept_language.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        code = tag.split("-")[0].strip().lower()
        if code in LANGUAGES and weight > 0:
            ranked.append((-weight, order, code))
    return min(ranked)[2] if ranked else ""


def render_demo(page: StorefrontData) -> str:
    """The page as HTML."""
    words = WORDS[page.language]
    return (
        templates()
        .get_template("demo.html")
        .render(
            page=page,
            words=words,
            try_first=page.starters[:CHIPS_SHOWN],
            versions={
                "css": file_of(_FILES["demo.css"][0])[1],
                "js": file_of(_FILES["demo.js"][0])[1],
                "widget": file_of(_WIDGET[0])[1],
            },
        )
    )


def static_file(request: Request, path: str, media_type: str, headers: dict[str, str]) -> Response:
    """A file of ours: kept for good under the address that carries its version, briefly under any other."""
    content, version = file_of(path)
    if request.query_params.get("v") == version:
        caching = f"public, max-age={_VERSIONED_SECONDS}, immutable"
    else:
        caching = f"public, max-age={_UNVERSIONED_SECONDS}"
    headers |= {"Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    return conditional(request, content, media_type, headers)


def conditional(request: Request, content: bytes, media_type: str, headers: dict[str, str]) -> Response:
    """The content with its ETag, or 304 when the browser has it already."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers["ETag"] = tag
    known = [item.strip().removeprefix("W/") for item in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(status_code=304, headers=headers)
    if media_type.startswith("text/html"):
        return HTMLResponse(content, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


@cache
def file_of(path: str) -> tuple[bytes, str]:
    """A file's bytes and a short hash of them; read once."""
    content = (HERE / path).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:10]


@cache
def templates() -> Environment:
    """The templates of all pages; everything put into them is escaped."""
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(("html", "svg")),
        trim_blocks=True,
        lstrip_blocks=True,
    )
