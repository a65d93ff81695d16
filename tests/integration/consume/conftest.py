from tests.integration.consume.effects import effects
from tests.integration.progression_engine.conftest import world
from tests.support.postgres import database, new_database, postgres_server

__all__ = ["database", "effects", "new_database", "postgres_server", "world"]
