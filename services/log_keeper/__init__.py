"""Publishes the logs to the bus, in order. The only one that does."""
