"""The editors' layer as a pure step: whatever happens to the file, an editor's text is never lost and never silent."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.edits import Action, Edit, LayeredRow, fold
from app.knowledge.row_keys import keyed, numbered, row_key_in, short
from ingestion.chunkers import Chunked, document_for
from ingestion.chunkers.faq import FaqEntry, faq_chunk
from ingestion.edited_chunks import chunk_of, content_of
from ingestion.layer import Layered, apply_layer
from ingestion.reading import FileRead

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime.now(UTC)
DOCUMENT = document_for("knowledge/faq.csv", "faq", Kind.FAQ, "zh")


def faq(row: int, question: str, answer: str, row_key: str = "") -> Chunk:
    return faq_chunk(DOCUMENT, FaqEntry(row, question, answer, (), "", (), None, None, "zh", row_key))


def table(rows: Sequence[tuple[str, str]]) -> list[Chunk]:
    return [faq(number, question, answer) for number, (question, answer) in enumerate(rows, start=2)]


def touched(chunk: Chunk, *edits: tuple[Action, dict[str, str]]) -> LayeredRow:
    [(key, _)] = keyed([chunk]).items()
    made = tuple(
        Edit(n, short(key), action, fields, "Lin", NOW, "b", staged_at=NOW) for n, (action, fields) in enumerate(edits)
    )
    return LayeredRow(short(key), key, "faq", chunk.path, content_of(chunk), edits=made)


def lay(rows: Sequence[LayeredRow], file: list[Chunk], current: Sequence[Chunk] = ()) -> Layered:
    read = FileRead("knowledge/faq.csv", Chunked(file, [DOCUMENT]))
    return apply_layer(rows, [read], current or file, lambda _: True, ZONE)


def live(layered: Layered) -> list[Chunk]:
    return [chunk for read in layered.reads for chunk in read.chunked.chunks]


names = st.lists(st.text("abcdefgh甲乙丙丁", min_size=1, max_size=4), min_size=1, max_size=6, unique=True)


@given(names)
def test_with_no_edit_what_was_read_goes_through_untouched(questions: list[str]) -> None:
    file = table([(question, "a") for question in questions])
    layered = lay([], file)
    assert live(layered) == file
    assert layered.settlements == []


@given(names, st.randoms())
def test_sorting_the_rows_of_a_file_moves_the_edits_with_them(questions: list[str], chance: random.Random) -> None:
    file = table([(question, f"answer {question}") for question in questions])
    rows = [touched(chunk, (Action.CHANGE, {"answer": f"mine {chunk.title}"})) for chunk in file[::2]]
    mixed = [(chunk.title, chunk.text) for chunk in file]
    chance.shuffle(mixed)
    layered = lay(rows, table(mixed), file)
    edited = {chunk.title for chunk in file[::2]}
    for number, chunk in enumerate(live(layered), start=2):
        assert chunk.locator == f"row {number} | {mixed[number - 2][0]}"
        assert chunk.text == f"{'mine' if chunk.title in edited else 'answer'} {chunk.title}"
    assert not layered.conflicts


@given(names, st.data())
def test_whatever_the_file_does_the_editors_text_is_live_or_in_the_file(
    questions: list[str], data: st.DataObject
) -> None:
    file = table([(question, f"answer {question}") for question in questions])
    row = touched(file[0], (Action.CHANGE, {"answer": "mine"}))
    changed = [
        (question, data.draw(st.sampled_from([f"answer {question}", "mine", "theirs"])))
        for question in questions
        if data.draw(st.booleans())
    ]
    layered = lay([row], table(changed), file)
    answers = [chunk.text for chunk in live(layered) if chunk.title == questions[0]]
    assert answers == ["mine"]
    said = dict(changed).get(questions[0])
    conflict = [s for s in layered.settlements if s.theirs or s.gone]
    assert bool(conflict) == (said not in (f"answer {questions[0]}", "mine"))
    others = [(chunk.title, chunk.text) for chunk in live(layered) if chunk.title != questions[0]]
    assert others == [pair for pair in changed if pair[0] != questions[0]]


@given(names)
def test_applying_the_layer_to_its_own_outcome_changes_nothing(questions: list[str]) -> None:
    file = table([(question, f"answer {question}") for question in questions])
    row = touched(file[0], (Action.CHANGE, {"question": "新问题", "answer": "mine"}))
    once = live(lay([row], file))
    settled = lay([row], [replace(chunk, row_key="") for chunk in once], once)
    assert [c.chunk_id for c in live(settled)] == [c.chunk_id for c in once]
    assert [why for s in settled.settlements for why in s.settled.values()] == ["in file"]


def test_a_disabled_row_is_left_out_and_its_neighbours_keep_who_they_are() -> None:
    file = numbered([faq(2, "q", "one"), faq(3, "q", "two"), faq(4, "q", "three")])
    rows = [replace(touched(file[0], (Action.DISABLE, {})), key=next(iter(keyed(file))))]
    layered = lay(rows, file)
    assert [chunk.text for chunk in live(layered)] == ["two", "three"]
    assert list(keyed(live(layered))) == list(keyed(file))[1:]


def test_a_row_with_an_id_is_known_by_it_whatever_else_changes() -> None:
    base = faq(2, "old", "a", row_key="F-1")
    row = touched(base, (Action.CHANGE, {"answer": "mine"}))
    layered = lay([row], [faq(9, "new", "b", row_key="F-1")], [base])
    assert [(chunk.text, chunk.locator) for chunk in live(layered)] == [("mine", "row 9 | old")]
    assert layered.settlements[0].theirs is not None


def test_a_file_that_failed_leaves_its_rows_alone() -> None:
    base = faq(2, "q", "a")
    row = touched(base, (Action.CHANGE, {"answer": "mine"}))
    layered = apply_layer([row], [FileRead("knowledge/faq.csv", error="damaged")], [base], lambda _: True, ZONE)
    assert (layered.added, layered.replaced, layered.settlements) == ([], [], [])


def test_rows_outside_of_what_was_read_are_brought_in_line_too() -> None:
    base = faq(2, "q", "a")
    row = touched(base, (Action.CHANGE, {"answer": "mine"}))
    layered = apply_layer([row], [], [base], lambda _: False, ZONE)
    assert [chunk.text for chunk, _ in layered.added] == ["mine"]
    assert layered.replaced == [base]


def test_a_draft_is_not_applied_and_still_seen_as_a_conflict() -> None:
    base = faq(2, "q", "a")
    row = touched(base, (Action.CHANGE, {"answer": "mine"}))
    row = replace(row, edits=tuple(replace(edit, staged_at=None) for edit in row.edits))
    layered = lay([row], [faq(2, "q", "theirs")], [base])
    assert [chunk.text for chunk in live(layered)] == ["theirs"]
    assert layered.settlements[0].theirs is not None


def test_later_edits_win_field_by_field_and_undone_ones_do_not_count() -> None:
    edits = [
        Edit(1, "r", Action.CHANGE, {"answer": "1", "values": {"a": "1", "b": "1"}}, "A", NOW, "x", staged_at=NOW),
        Edit(2, "r", Action.DISABLE, {}, "A", NOW, "x"),
        Edit(3, "r", Action.CHANGE, {"answer": "3", "values": {"b": "3"}}, "A", NOW, "x"),
        Edit(4, "r", Action.ENABLE, {}, "A", NOW, "x", undone_at=NOW),
    ]
    assert fold(edits, drafts=True).fields == {"answer": "3", "values": {"a": "1", "b": "3"}}
    assert fold(edits, drafts=True).disabled
    assert fold(edits, drafts=False).fields["answer"] == "1"
    assert not fold(edits, drafts=False).disabled


def test_a_chunk_survives_being_kept_as_json() -> None:
    chunk = faq(2, "q", "a", row_key="F-1")
    assert chunk_of(content_of(chunk)) == chunk
    assert row_key_in(next(iter(keyed([chunk])))) == "F-1"
