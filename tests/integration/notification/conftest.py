from collections.abc import AsyncIterator

import pytest

from tests.integration.notification.mailroom import MailRoom, a_mail_room
from tests.integration.reporting.house import House, a_house
from tests.support.postgres import Database


@pytest.fixture
async def house(module_database: Database) -> AsyncIterator[House]:
    async with a_house(module_database) as made:
        yield made


@pytest.fixture
async def room(house: House) -> AsyncIterator[MailRoom]:
    async with a_mail_room(house) as made:
        yield made
