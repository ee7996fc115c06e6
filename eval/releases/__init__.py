"""`python -m eval.releases`: the figures that publishing, ingestion, validity and crash safety are held to."""
