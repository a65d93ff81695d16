from collections.abc import AsyncIterator

import pytest

from tests.integration.diary.clinic import Clinic, a_clinic
from tests.support.postgres import Database


@pytest.fixture
async def clinic(database: Database) -> AsyncIterator[Clinic]:
    """A clinic on a real database, and the importer of ingest."""
    async with a_clinic(database) as made:
        yield made
