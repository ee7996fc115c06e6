"""Industry packs: the questions every shop of a kind is asked, each with its phrasings. The shop fills the answers."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.shopper import container_of
from app.api.staff import require_staff
from app.api.wire import json_response
from app.errors import Unavailable
from app.staff.account import Role

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])

LANGUAGES = ("zh", "en")


@router.get("/question-packs")
async def packs(request: Request) -> Response:
    """Every pack in both languages, and the facts that their answers take as {name}."""
    await require_staff(request, Role.EDITOR)
    folder = container_of(request).packs_folder
    if folder is None:
        raise Unavailable("This server has no industry packs.")
    return json_response(await asyncio.to_thread(read_packs, folder))


@cache
def read_packs(folder: Path) -> dict[str, Any]:
    """The packs of a folder as plain values, phrasings as lists, `general` first."""
    files = sorted((p for p in folder.glob("*.yaml") if p.stem != "facts"), key=lambda p: (p.stem != "general", p.stem))
    facts = yaml.safe_load((folder / "facts.yaml").read_text(encoding="utf-8"))["facts"]
    return {
        "facts": [{"id": name, **texts} for name, texts in facts.items()],
        "packs": [_pack(path) for path in files],
    }


def _pack(path: Path) -> dict[str, Any]:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {
        "id": path.stem,
        "name": raw["name"],
        "about": raw["about"],
        "questions": [_question(question) for question in raw["questions"]],
    }


def _question(raw: dict[str, Any]) -> dict[str, Any]:
    told = {language: {**raw[language]} for language in LANGUAGES}
    for words in told.values():
        words["phrasings"] = [text.strip() for text in words["phrasings"].split("|")]
    return {"id": raw["id"], "section": raw["section"], "related": raw["related"], **told}
