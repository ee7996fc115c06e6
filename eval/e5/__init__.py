"""Fits low-rank differences to the default embedder's own model. Needs torch (the `hub` extra)."""
