"""Make roles, database and grants, and bring the tables up to date; run before the services start.

Reads HEELRISE_SUPERUSER_URL and HEELRISE_MIGRATOR_URL, without passwords, and the folder HEELRISE_SECRETS
with a file for each role.
"""

import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

from libs.eventlog import migrate
from libs.runtime.credentials import SUPERUSER, Credentials


async def main() -> None:
    credentials = Credentials(Path(os.environ["HEELRISE_SECRETS"]))
    superuser = with_password(os.environ["HEELRISE_SUPERUSER_URL"], credentials.database_password(SUPERUSER))
    migrator = with_password(
        os.environ["HEELRISE_MIGRATOR_URL"], credentials.database_password("heelrise_migrator")
    )
    await migrate.bootstrap(superuser, credentials.database_passwords())
    await migrate.upgrade(migrator)
    sys.stdout.write("the database is up to date\n")


def with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    name, _, place = parts.netloc.partition("@")
    return parts._replace(netloc=f"{name}:{quote(password, safe='')}@{place}").geturl()


if __name__ == "__main__":
    asyncio.run(main())
