"""What "it" and "there" stand for: the shop's own names, the latest mention first."""

from __future__ import annotations

import time

import pytest

from app.chat.mentions import EntityNames
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.view import KnowledgeView

HOTELS = EntityNames(
    ["HOBSONS HOUSE", "FINCHES BED AND BREAKFAST", "WORTH HOUSE", "THE LENSFIELD HOTEL", "GONVILLE HOTEL"]
)
PLACES = EntityNames(
    ["比格比萨(新华店)", "大渔铁板烧(蓝色港湾店)", "大渔铁板烧(朝阳大悦城店)", "北京全聚德", "自来水博物馆", "南馆公园"]
)


def chunk(title: str, kind: Kind = Kind.FAQ) -> Chunk:
    return Chunk(title, "d", "p", title, kind, title, "text", "en", "h")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Is Hobson's House any good?", "HOBSONS HOUSE"),
        ("a hotel called finches bed & breakfast", "FINCHES BED AND BREAKFAST"),
        ("I booked the Lensfield hotel", "THE LENSFIELD HOTEL"),
    ],
)
def test_a_name_is_found_however_it_is_spelled(text: str, name: str) -> None:
    found = HOTELS.mentions([text])
    assert max(found, key=lambda n: found[n]) == name


def test_words_that_many_names_share_are_no_mention() -> None:
    assert HOTELS.mentions(["I need a hotel or a guest house with breakfast"]) == {}


def test_a_chinese_name_is_found_without_its_brackets() -> None:
    assert PLACES.mentions(["那就去比格比萨新华店吧"]) == pytest.approx({"比格比萨(新华店)": 1.0}, abs=0.2)


def test_the_branch_that_was_named_wins_over_its_sister() -> None:
    found = PLACES.mentions(["大渔铁板烧(蓝色港湾店)评分多少"])
    assert list(found) == ["大渔铁板烧(蓝色港湾店)"]


def test_the_latest_mention_weighs_most_and_older_ones_fade() -> None:
    found = HOTELS.mentions(["Worth House?", "And Hobsons House?", "Does it have wifi?"])
    assert found == pytest.approx({"WORTH HOUSE": 0.36, "HOBSONS HOUSE": 0.6})


def test_a_list_of_what_is_nearby_does_not_change_what_the_talk_is_about() -> None:
    found = PLACES.mentions(["北京全聚德周边有景点吗", "推荐您去自来水博物馆和南馆公园", "它的电话是多少"])
    assert max(found, key=lambda n: found[n]) == "北京全聚德"


def test_what_a_thing_is_near_to_is_not_what_is_talked_about() -> None:
    assert list(HOTELS.mentions(["Hobsons House is near the Gonville Hotel"])) == ["HOBSONS HOUSE"]


def test_nothing_said_mentions_nothing() -> None:
    assert HOTELS.mentions([]) == {}
    assert HOTELS.mentions(["", "???"]) == {}
    assert EntityNames([]).mentions(["Hobsons House"]) == {}


def test_names_are_read_from_products_and_from_titles_with_the_same_beginning() -> None:
    chunks = [
        chunk("Hobsons House: Is parking free?"),
        chunk("Hobsons House: Are pets allowed?"),
        chunk("Note: closed on Monday"),
        chunk("Review of Hobsons House", Kind.POLICY),
        chunk("Alpine Wool Scarf", Kind.PRODUCT),
    ]
    names = EntityNames.of_view(KnowledgeView("s", 1, chunks))
    assert [names.about(c) for c in chunks] == [
        "Hobsons House",
        "Hobsons House",
        "",
        "Hobsons House",
        "Alpine Wool Scarf",
    ]


def test_ten_thousand_names_are_searched_within_milliseconds() -> None:
    names = EntityNames(
        [
            f"{a} {b} hotel {n}"
            for n in range(2_500)
            for a, b in (("old", "mill"), ("new", "inn"), ("red", "barn"), ("blue", "quay"))
        ]
    )
    names.mentions(["warm up"])
    start = time.perf_counter()
    for _ in range(20):
        found = names.mentions(["do you know the red barn hotel 1234 in town"])
    assert next(iter(found)) == "red barn hotel 1234"
    assert (time.perf_counter() - start) / 20 < 0.05
