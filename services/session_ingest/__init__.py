"""session-ingest: takes what happened and what was told, and records it."""
