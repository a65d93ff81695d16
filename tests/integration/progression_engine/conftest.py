from collections.abc import AsyncIterator

import pytest

from tests.integration.progression_engine.world import World, a_world
from tests.support.nats import nats_server
from tests.support.postgres import Database, database, new_database, postgres_server

__all__ = ["database", "nats_server", "new_database", "postgres_server"]


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made
