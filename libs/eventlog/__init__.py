"""The logs: appending and reading entries, keys, blobs and claims, on PostgreSQL or in memory."""
