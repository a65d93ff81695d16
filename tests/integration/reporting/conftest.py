from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.web.issuer import LocalIssuer
from tests.integration.reporting.house import House, a_house
from tests.integration.reporting.reader import Reader, a_reader
from tests.support.postgres import Database


@pytest.fixture
async def house(module_database: Database) -> AsyncIterator[House]:
    async with a_house(module_database) as made:
        yield made


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> LocalIssuer:
    return LocalIssuer(tmp_path_factory.mktemp("issuer") / "issuer.pem")


@pytest.fixture
async def reader(house: House, issuer: LocalIssuer, tmp_path: Path) -> AsyncIterator[Reader]:
    async with a_reader(house, issuer, tmp_path) as made:
        yield made
