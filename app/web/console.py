"""The pages of the knowledge console. Each is a frame; what it shows comes from /v1/knowledge by script."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.staff.account import Role
from app.web.shell import page, view_of

router = APIRouter(include_in_schema=False)

PAGES = {
    "home": "/console",
    "knowledge": "/console/knowledge",
    "products": "/console/products",
    "upload": "/console/upload",
    "releases": "/console/releases",
    "test": "/console/test",
    "trust": "/console/trust",
    "review": "/console/review",
    "brand": "/console/brand",
    "setup": "/console/setup",
}


def _add(key: str, path: str, *roles: Role) -> None:
    @router.get(path, name=f"console.{key}")
    async def shown(request: Request) -> Response:
        view = await view_of(request, *roles)
        return view if isinstance(view, Response) else page(f"staff/{key}.html", view, key)


for _key, _path in PAGES.items():
    _add(_key, _path, Role.EDITOR)
_add("staff", "/console/staff", Role.ADMIN)
