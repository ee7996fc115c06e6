"""The application: routes, handlers, lifespan. Nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import app as package
from app.api import (
    accounts,
    attachments,
    channels,
    desk,
    desk_floor,
    editing,
    explain,
    health,
    hit_test,
    intake,
    knowledge,
    mapping,
    openai,
    problems,
    releases,
    replay,
    review,
    shopper,
    trust,
)
from app.api.container import Container
from app.api.outermost import Outermost
from app.web import console, desk_page, signing
from app.web import routes as pages
from app.web.storefront import StorefrontSource

ROOM_BYTES = 1_024
"""So that a file of exactly the limit is judged where the message about it is the better one"""


def create_app(container: Container) -> FastAPI:
    """The server for these parts. They are started and closed with the application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await container.start()
        try:
            yield
        finally:
            await container.jobs.close()
            await container.conversations.close()
            await container.close()

    app = FastAPI(
        title="Xiaoer",
        version=package.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.container = container
    if container.widget_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(container.widget_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "last-event-id"],
        )
    files = container.attachments
    files_limit = files.allowance.file_bytes + ROOM_BYTES if files else container.body_limit_bytes
    app.add_middleware(
        Outermost,
        telemetry=container.telemetry,
        body_limit_bytes=container.body_limit_bytes,
        larger=(
            ("POST", "/v1/knowledge/uploads", container.upload_limit_bytes),
            ("POST", "/v1/conversations/*/attachments", files_limit),
            ("POST", "/v1/desk/conversations/*/attachments", files_limit),
        ),
        body_seconds=container.body_seconds,
    )
    problems.install(app)
    app.include_router(attachments.desk_router)
    people = (attachments, desk, desk_floor, desk_page, accounts, channels, signing, console)
    knowing = (knowledge, hit_test, mapping, intake, editing, review, releases)
    for part in (shopper, openai, *knowing, replay, health, *people):
        app.include_router(part.router)
    app.include_router(releases.index_router)
    app.include_router(trust.router)
    app.include_router(explain.router)
    if isinstance(container, StorefrontSource):
        app.include_router(pages.router(container))
    return app
