"""The widget that is committed is the one its source builds to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

WEB = Path(__file__).parents[2] / "app" / "web"


def test_the_built_widget_is_current_and_its_source_type_checks() -> None:
    npm = shutil.which("npm")
    if npm is None or not (WEB / "node_modules").exists():
        pytest.skip("npm or app/web/node_modules is missing: run `npm ci` in app/web to check the built widget.")
    done = subprocess.run([npm, "run", "--silent", "check"], cwd=WEB, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
