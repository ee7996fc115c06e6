"""What a turn costs the server: CPU of the whole process tree against a stub model, beside a plain FastAPI floor."""
