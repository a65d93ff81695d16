"""The database keeps consumers apart, not only the code."""

import asyncpg
import pytest

from libs.consume.postgres import PostgresPlaces
from tests.integration.progression_engine.world import LOG, World


async def test_a_consumer_cannot_move_another_ones_cursor(world: World) -> None:
    places = PostgresPlaces("reporting", world.pool)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with places.hold(LOG):
            pass


async def test_everybody_sees_how_far_all_are(world: World) -> None:
    async with PostgresPlaces("engine", world.pool).hold(LOG) as place:
        assert place is not None
        await place.move(0)
    rows = await world.ingest.pool.fetch("SELECT consumer, position FROM consume.cursors")
    assert [tuple(row) for row in rows] == [("engine", 0)]
