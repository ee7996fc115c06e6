"""Writes the settings table of README.md from app/settings.py; `--check` only tells whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import SecretStr

from app.settings import Settings

START, END = "<!-- settings: made by `make docs` -->", "<!-- settings end -->"
README = Path(__file__).parent.parent / "README.md"


def table() -> str:
    """One row a setting, in the order of the class."""
    rows = ["| variable | default | what it is for |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = default.get_secret_value() if isinstance(default, SecretStr) else str(default)
        rows.append(f"| `XIAOER_{name.upper()}` | {f'`{shown}`' if shown else ''} | {field.description} |")
    return "\n".join(rows)


def with_table(text: str) -> str:
    """The README with its table made anew."""
    before, rest = text.split(START)
    return f"{before}{START}\n{table()}\n{END}{rest.split(END)[1]}"


def main() -> int:
    """0 when the README is current, or has been made so."""
    old = README.read_text(encoding="utf-8")
    new = with_table(old)
    if old == new:
        return 0
    if "--check" in sys.argv:
        print("The settings table of README.md is not current. Run `make docs`.", file=sys.stderr)
        return 1
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
