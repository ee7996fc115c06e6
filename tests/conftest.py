"""Property tests find the same examples on every run: a red build is red for everybody, and stays red until fixed."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("same-every-run", derandomize=True, deadline=None)
settings.load_profile("same-every-run")
