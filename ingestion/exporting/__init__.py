"""Writes a shop's whole knowledge, the editors' layer included, in the formats it came in."""
