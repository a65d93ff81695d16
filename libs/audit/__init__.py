"""What a stranger needs to check a log: canonical bytes, hashes, chains. Pure."""
