"""What the live release says and the staged one no longer does: files, rows, products, clauses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from app.knowledge.chunk import Chunk
from app.knowledge.finding import Finding, Severity, Words, row_of
from ingestion.checks.compared import Compared
from ingestion.checks.material import Material
from ingestion.checks.texts import quoted
from ingestion.headers import Column, meanings

CHECK = "losses"
LARGE_SHARE = 0.4
SMALL_SHOP = 8
"""Of fewer chunks than this any share is large."""
SHOWN = 5


def losses(material: Material) -> Iterator[Finding]:
    """Deliberate or not, the editor should see them. Losing a large part of the shop keeps the release back."""
    if material.before is None:
        return
    found = material.compared
    yield from _files(found)
    yield from _several(found.lost_rows, Words("问答", "question"))
    yield from _several(found.lost_products, Words("商品", "product"))
    yield from _columns(found)
    for chunk, sentence in found.lost:
        yield _clause(chunk, sentence, "")
    for altered in found.altered:
        if clause := altered.loses:
            yield _clause(altered.was, clause, altered.after)
    gone = sum(found.lost_files.values()) + len(found.lost_rows) + len(found.lost_products)
    if len(material.before) >= SMALL_SHOP and gone >= LARGE_SHARE * len(material.before):
        yield _large(gone, len(material.before))


def _files(found: Compared) -> Iterator[Finding]:
    for path, count in found.lost_files.items():
        yield Finding(
            CHECK,
            Severity.WARNS,
            path,
            "",
            Words(
                f"文件不见了，其中 {count} 条内容将不再可用",
                f"The file is gone, and {count} pieces of knowledge with it",
            ),
            Words(
                "如果不是有意删除，请放回文件后重新导入", "Put it back and ingest again, unless you meant to remove it"
            ),
        )


def _several(chunks: Sequence[Chunk], kind: Words) -> Iterator[Finding]:
    by_path: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        by_path[chunk.path].append(chunk)
    for path, gone in by_path.items():
        names = [quoted(chunk.title, 40) for chunk in gone[:SHOWN]]
        more_zh, more_en = ("等", " …") if len(gone) > SHOWN else ("", "")
        plural = "s are" if len(gone) > 1 else " is"
        yield Finding(
            CHECK,
            Severity.WARNS,
            path,
            gone[0].locator,
            Words(
                f"{len(gone)} 条{kind.zh}不见了：{'、'.join(names)}{more_zh}",
                f"{len(gone)} {kind.en}{plural} gone: {'; '.join(names)}{more_en}",
            ),
            Words("如果不是有意删除，请补回这些行", "Put the rows back, unless you meant to remove them"),
            row_of(gone[0].locator),
        )


def _columns(found: Compared) -> Iterator[Finding]:
    """Attributes that products had and have no more, by the file they were read in: a sheet that lost a column."""
    lost: dict[tuple[str, str], list[Chunk]] = defaultdict(list)
    for was, now in found.products:
        for name, value in was.attributes.items():
            if value and not now.attributes.get(name) and Column.PRICE not in meanings(name):
                lost[was.attribute_paths.get(name, was.path), name].append(now)
    for (path, name), products in lost.items():
        names = "; ".join(dict.fromkeys(quoted(product.title, 30) for product in products[:SHOWN]))
        yield Finding(
            CHECK,
            Severity.WARNS,
            path,
            products[0].locator,
            Words(f"{len(products)} 个商品不再有“{name}”：{names}", f"{len(products)} products lost “{name}”: {names}"),
            Words("如果不是有意删除，请补回这一列或这些格子", "Put the column or the cells back, unless it was meant"),
        )


def _clause(chunk: Chunk, clause: str, now: str) -> Finding:
    zh, en = (f"；现在是“{quoted(now, 80)}”", f"; now it says “{quoted(now, 80)}”") if now else ("", "")
    return Finding(
        CHECK,
        Severity.WARNS,
        chunk.path,
        chunk.locator,
        Words(f"不再提到“{quoted(clause, 80)}”{zh}", f"It no longer says “{quoted(clause, 80)}”{en}"),
        Words("如果这个条件仍然有效，请补回去", "Put it back if the condition still holds"),
        row_of(chunk.locator),
    )


def _large(gone: int, of: int) -> Finding:
    return Finding(
        CHECK,
        Severity.BLOCKS,
        "",
        "",
        Words(f"线上 {of} 条内容中有 {gone} 条将消失", f"{gone} of the {of} live pieces of knowledge would be gone"),
        Words("检查读取的文件夹是否完整", "See whether the folder that was read is complete"),
    )
