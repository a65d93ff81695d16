"""Messages: what wakes the services. Port, JetStream and in-memory adapters, subjects."""
