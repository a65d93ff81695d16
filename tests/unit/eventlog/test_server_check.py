"""Which servers are not trusted."""

import pytest

from libs.eventlog.server_check import UnsafeServerError, check_server, expected_revision, refuse_unsafe


class Server:
    """Answers what a server's settings and schema are asked for."""

    def __init__(self, revision: str, **settings: str) -> None:
        self.revision = revision
        self.settings = settings

    async def fetchval(self, query: str, *values: str) -> str:
        return self.settings.get(values[0], "on") if values else self.revision


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_server_that_could_lose_what_it_acknowledged_is_refused(name: str) -> None:
    with pytest.raises(UnsafeServerError, match=name):
        await refuse_unsafe(Server(expected_revision(), **{name: "off"}))


@pytest.mark.parametrize("level", ["local", "remote_write"])
async def test_a_commit_that_does_not_wait_for_the_disk_of_a_standby_is_refused(level: str) -> None:
    with pytest.raises(UnsafeServerError, match="synchronous_commit"):
        await refuse_unsafe(Server(expected_revision(), synchronous_commit=level))


async def test_a_schema_of_another_release_is_refused() -> None:
    with pytest.raises(UnsafeServerError, match="0001"):
        await check_server(Server("0001"))
    await check_server(Server(expected_revision(), synchronous_commit="remote_apply"))
