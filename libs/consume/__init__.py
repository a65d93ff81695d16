"""Catching up with the log: cursors, batches, quarantine, and the outbox. Above eventlog and bus."""
