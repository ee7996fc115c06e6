"""Fits the built-in query encoder (app/adapters/embedders/query_encoder.py)."""
