"""One history of schema changes for the whole database. Run by `libs.eventlog.migrate`."""
