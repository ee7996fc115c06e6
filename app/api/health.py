"""Is it alive, is it ready, how is it doing."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

import app
from app.api.shopper import container_of
from app.api.wire import json_response

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive(request: Request) -> Response:
    """The process answers. Nothing else is asked."""
    return json_response({"status": "ok", "version": app.__version__})


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """Whether every part a turn needs is there, and the state of each. 503 while one is missing."""
    parts = await container_of(request).parts()
    is_ready = all(part.ok for part in parts if part.required)
    told = {part.name: {"ok": part.ok, "required": part.required, "detail": part.detail} for part in parts}
    return json_response({"status": "ready" if is_ready else "not ready", "parts": told}, 200 if is_ready else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus metrics: totals, never anybody's words."""
    telemetry = container_of(request).telemetry
    return Response(telemetry.exposition(), media_type=CONTENT_TYPE_LATEST)
