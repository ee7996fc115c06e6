"""Fits the built-in reader (app/adapters/rerankers): a low-rank difference to the default embedder's own weights."""
