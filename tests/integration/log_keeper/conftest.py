from tests.integration.progression_engine.conftest import world
from tests.support.nats import nats_server
from tests.support.postgres import database, new_database, postgres_server

__all__ = ["database", "nats_server", "new_database", "postgres_server", "world"]
