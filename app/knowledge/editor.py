"""What the console asks of the editors' layer. Every reply is plain JSON, as docs/api-knowledge.md has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

Reply: TypeAlias = dict[str, Any]


class RowEditor(Protocol):
    """Reads and changes rows. What changes raises OutdatedEdit when the version is not the newest, and then nothing
    was saved; BadInput for fields that do not fit; NotFound for a row that is not there."""

    async def documents(self, shop: str) -> Reply:
        """The tree of documents, and what waits to be done."""

    async def chunks(self, shop: str, wanted: Mapping[str, str], offset: int, limit: int) -> Reply:
        """Rows, narrowed by `path`, `kind`, `state`, `section` or words in them (`q`)."""

    async def chunk(self, shop: str, row: str) -> Reply:
        """One row in full."""

    async def change(self, shop: str, row: str, version: str, sent: Mapping[str, Any], author: str) -> Reply:
        """Set fields of a row."""

    async def add(self, shop: str, sent: Mapping[str, Any], author: str) -> Reply:
        """A new FAQ row."""

    async def toggle(self, shop: str, row: str, version: str, author: str, *, disabled: bool) -> Reply:
        """Take a row out of every answer, or let it back in."""

    async def bulk(
        self, shop: str, items: Sequence[tuple[str, str]], action: str, sent: Mapping[str, Any], author: str
    ) -> Reply:
        """One action on many rows, all or none."""

    async def products(self, shop: str, wanted: Mapping[str, str], offset: int, limit: int) -> Reply:
        """Products as a grid."""

    async def set_values(self, shop: str, cells: Sequence[Mapping[str, str]], author: str) -> Reply:
        """Cells of the grid, all or none."""

    async def edits(self, shop: str, offset: int, limit: int) -> Reply:
        """The history of edits, newest first."""

    async def undo(self, shop: str, numbers: Sequence[int], batch: str, author: str) -> Reply:
        """Undo edits by number, or all of a batch."""

    async def conflicts(self, shop: str) -> Reply:
        """Rows that were changed on both sides, with both texts."""

    async def resolve(
        self, shop: str, row: str, version: str, choice: str, sent: Mapping[str, Any], author: str
    ) -> Reply:
        """Choose in a conflict."""


class BrandLayer(Protocol):
    """Brand settings, welcome message and card questions: in effect at once, undone at once."""

    async def brand(self, shop: str) -> Reply:
        """Settings in effect, as the file has them, and what is in dispute."""

    async def change(self, shop: str, version: str, sent: Mapping[str, Any], author: str) -> Reply:
        """Set settings, named like `greeting.zh`; an empty one is taken away."""


class IndustryPacks(Protocol):
    """What shoppers of a trade ask; the shop fills in the answers."""

    def packs(self, language: str) -> Reply:
        """All packs in a language, with what the wizard asks for."""

    def pack(self, name: str, language: str) -> Reply:
        """One pack with its questions. Raises NotFound."""

    async def fill(
        self,
        shop: str,
        category: str,
        language: str,
        known: Mapping[str, str],
        answers: Mapping[str, str],
        author: str,
        *,
        apply: bool,
    ) -> Reply:
        """The onboarding wizard: questions answered as far as is known; with `apply` they become drafts."""


class Exports(Protocol):
    """The whole knowledge as files."""

    async def archive(self, shop: str) -> tuple[Path, Reply]:
        """(zip file, report); whoever asked deletes the file. Raises NotFound for a shop without a release."""


class Editing(Protocol):
    """All that editors do to a shop's knowledge."""

    @property
    def rows(self) -> RowEditor:
        """FAQ rows, sections and products."""

    @property
    def brand(self) -> BrandLayer:
        """The brand."""

    @property
    def packs(self) -> IndustryPacks:
        """Industry packs."""

    @property
    def exports(self) -> Exports:
        """Exports."""
