"""The editors' layer over what was read: a pure step between chunking and comparing.

The file is never overwritten and never overwrites: a row that was changed on both sides keeps the editor's text and
becomes a conflict, until an editor chooses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from types import MappingProxyType

from app.knowledge.chunk import Chunk, Document, Kind
from app.knowledge.edits import BRAND, Content, LayeredRow, Settlement, fold
from app.knowledge.row_keys import keyed, numbered
from ingestion.chunkers import Chunked
from ingestion.edited_chunks import chunk_of, content_of, live_chunk
from ingestion.reading import FileRead

CONSOLE_FAQ = "@console/faq.csv"
"""Where FAQ rows stand that editors added in the console."""
KEPT = "kept"
"""Marks the base of a row that its file no longer has and an editor chose to keep."""
IN_FILE = "in file"
"""Why an edit is history: the file says the same by now."""


@dataclass(frozen=True, slots=True)
class Layered:
    """What was read with the layer over it, and what that makes of the layer's rows.

    reads        every file that was read, with the editors' rows in place of its own
    added        chunks of rows outside what was read, with their place in their file
    replaced     the chunks that these replace, or that editors disabled
    documents    documents of the added ones that no file has
    settlements  what became of rows; to be written once the release is built
    """

    reads: list[FileRead]
    added: list[tuple[Chunk, int]] = field(default_factory=list)
    replaced: list[Chunk] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    path_of: dict[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> set[str]:
        """Files that nobody read and editors changed."""
        return {chunk.path for chunk in (*self.replaced, *(new for new, _ in self.added))}

    @property
    def conflicts(self) -> dict[str, int]:
        """Path → how many of its rows became conflicts."""
        return Counter(self.path_of[s.row] for s in self.settlements if s.theirs or s.gone)


def apply_layer(
    rows: Sequence[LayeredRow],
    reads: Sequence[FileRead],
    current: Sequence[Chunk],
    in_scope: Callable[[str], bool],
    zone: tzinfo,
) -> Layered:
    """Put the staged edits over what was read, and over the rest of the newest release (`current`).

    Rows of files that failed are left alone.
    """
    numbered_reads = [replace(read, chunked=_numbered(read.chunked)) for read in reads]
    by_path = {read.path: read for read in numbered_reads}
    layered = Layered([], path_of={row.row: row.path for row in rows})
    touched: dict[str, list[LayeredRow]] = {}
    elsewhere: list[LayeredRow] = []
    for row in rows:
        read = by_path.get(row.path)
        if row.kind == BRAND or (read is not None and read.error):
            continue
        if read is not None or in_scope(row.path):
            touched.setdefault(row.path, []).append(row)
        else:
            elsewhere.append(row)
    known = keyed(current)
    for path, own in touched.items():
        by_path[path] = _lay(by_path.get(path) or FileRead(path), own, set(known), zone, layered)
    _lay_elsewhere(elsewhere, current, known, zone, layered)
    read_paths = {read.path for read in reads}
    layered.reads.extend(read for path, read in by_path.items() if path in read_paths or read.chunked.chunks)
    return layered


def _numbered(chunked: Chunked) -> Chunked:
    return replace(chunked, chunks=numbered(chunked.chunks))


def _lay_elsewhere(
    rows: Sequence[LayeredRow], current: Sequence[Chunk], known: Mapping[str, Chunk], zone: tzinfo, layered: Layered
) -> None:
    places: dict[str, int] = {}
    counts: Counter[str] = Counter()
    for chunk in current:
        places[chunk.chunk_id] = counts[chunk.path]
        counts[chunk.path] += 1
    for row in rows:
        have, want = known.get(row.key), live_chunk(row, zone, drafts=False)
        if have is not None and want is not None and have.chunk_id.partition("-")[0] == want.chunk_id:
            continue
        if have is not None:
            layered.replaced.append(have)
        if want is not None:
            layered.added.append((want, places[have.chunk_id] if have else max(row.place, counts[row.path])))
            if have is None:
                layered.documents.append(document_of(want))


def _lay(read: FileRead, rows: Sequence[LayeredRow], known: set[str], zone: tzinfo, layered: Layered) -> FileRead:
    found = keyed(read.chunked.chunks)
    matched = match_rows(rows, found, known, zone)
    chunks: dict[str, Chunk | None] = dict(found)
    for row in rows:
        key = matched.get(row.row)
        now = meet(row, found[key] if key is not None else None, zone)
        if now.settlement:
            layered.settlements.append(now.settlement)
        chunks[key if key is not None else row.key] = live_chunk(now.row, zone, drafts=False)
    kept = [chunk for chunk in chunks.values() if chunk is not None]
    documents = {document.document_id: document for document in read.chunked.documents}
    for chunk in kept:
        if chunk.document_id not in documents:
            documents[chunk.document_id] = document_of(chunk)
    return replace(read, chunked=replace(read.chunked, chunks=kept, documents=list(documents.values())))


def document_of(chunk: Chunk) -> Document:
    """A document for a chunk that its file no longer has, or never had."""
    title = chunk.path.rpartition("/")[2] or chunk.path
    return Document(chunk.document_id, chunk.path, title, chunk.kind, chunk.language)


def match_rows(rows: Sequence[LayeredRow], found: Mapping[str, Chunk], known: set[str], zone: tzinfo) -> dict[str, str]:
    """Row → the key under which its file has it now: the same key, else the same question or text in a row that is
    new there, where only one comes in question."""
    matched: dict[str, str] = {}
    free = dict(found)
    for row in rows:
        start = row.key.rpartition("\n")[0]
        same = [key for key in free if key.rpartition("\n")[0] == start]
        base_hash = (row.base or {}).get("content_hash")
        if same:
            # Of several rows with one question, the one that still says what it said.
            key = next((k for k in same if free[k].content_hash == base_hash), row.key if row.key in same else same[0])
            matched[row.row] = key
            del free[key]
    fresh = {key: chunk for key, chunk in free.items() if key not in known}
    for row in rows:
        if row.row in matched or row.base is None:
            continue
        start = f"{row.key.partition(chr(10))[0]}\n"
        for says in _sayings(row, zone):
            same = [key for key, chunk in fresh.items() if key.startswith(start) and says(chunk)]
            if len(same) == 1 and row.kind != Kind.PRODUCT.value:
                matched[row.row] = same[0]
                del fresh[same[0]]
                break
    return matched


def _sayings(row: LayeredRow, zone: tzinfo) -> Iterator[Callable[[Chunk], bool]]:
    """How a row of the file can be known to be this one, the surest sign first."""
    mine, base = live_chunk(replace(row, theirs=None, gone=False), zone, drafts=True), row.base or {}
    if mine is not None:
        # The editor's text found its way into the file, as with an export that is read again.
        yield lambda chunk: chunk.content_hash == mine.content_hash
    yield lambda chunk: chunk.title == base["title"]
    yield lambda chunk: chunk.text == base["text"]


@dataclass(frozen=True, slots=True)
class Met:
    """A row after it met what its file says now; `settlement` is None where nothing came of it."""

    row: LayeredRow
    settlement: Settlement | None


def meet(row: LayeredRow, theirs: Chunk | None, zone: tzinfo) -> Met:
    """Bring a row together with what its file has: nothing new, the same by now, or a conflict."""
    if theirs is None:
        return _meet_nothing(row)
    now = content_of(theirs)
    if row.base is not None and row.base["content_hash"] == theirs.content_hash:
        return _settled(row, now)
    if not row.active or (row.base is None and fold(row.edits, drafts=True).disabled):
        return _settled(row, now)
    mine = live_chunk(replace(row, theirs=None, gone=False), zone, drafts=True)
    if mine is not None and mine.content_hash == theirs.content_hash:
        return _settled(row, now, {e.number: IN_FILE for e in row.edits if not e.settled})
    if row.base is not None and theirs.kind is Kind.PRODUCT and not _disputed(row, theirs):
        return _settled(row, now)
    if row.base == row.theirs == now:
        return Met(row, None)
    changed = replace(row, theirs=now, gone=False)
    if row.theirs is not None and row.theirs["content_hash"] == theirs.content_hash and not row.gone:
        return Met(changed, None)
    return Met(changed, Settlement(row.row, row.base, theirs=now))


def _meet_nothing(row: LayeredRow) -> Met:
    if row.base is None and row.theirs is None:
        return Met(row, None)
    if row.base is None:
        return Met(replace(row, theirs=None), Settlement(row.row, None))
    if row.base.get(KEPT):
        return Met(row, None)
    edits = (fold(row.edits, drafts=drafts) for drafts in (False, True))
    if all(wanted.nothing or wanted.disabled for wanted in edits):
        # Nothing of the editor's would be lost; a row that was disabled stays so, should it come back.
        return Met(replace(row, base=None, theirs=None, gone=False), Settlement(row.row, None))
    if row.gone:
        return Met(row, None)
    return Met(replace(row, theirs=None, gone=True), Settlement(row.row, row.base, gone=True))


def _settled(row: LayeredRow, base: Content, history: Mapping[int, str] = MappingProxyType({})) -> Met:
    edits = tuple(replace(e, settled=history[e.number]) if e.number in history else e for e in row.edits)
    same = row.base == base and not row.in_conflict and not history
    after = replace(row, base=base, theirs=None, gone=False, edits=edits)
    return Met(after, None if same else Settlement(row.row, base, settled=history))


def _disputed(row: LayeredRow, theirs: Chunk) -> bool:
    """Whether a product's file changed a value that the editor changed too, to something else."""
    base = chunk_of(row.base or {})
    values = fold(row.edits, drafts=True).fields.get("values", {})
    return any(
        theirs.attributes.get(name, "") not in (base.attributes.get(name, ""), value) for name, value in values.items()
    )
