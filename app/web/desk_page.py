"""The page of the desk, /desk: a frame; what it shows comes from /v1/desk by script."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.staff.account import Role
from app.web.routes import file_of
from app.web.shell import page, view_of

router = APIRouter(include_in_schema=False)


@router.get("/desk")
async def desk(request: Request) -> Response:
    """The desk, for who may sit at it; the sign-in page for who is not signed in."""
    view = await view_of(request, Role.AGENT, Role.SUPERVISOR)
    if isinstance(view, Response):
        return view
    return page("staff/desk.html", view, "desk", script="desk", desk_css=file_of("static/desk.css")[1])
