"""Running a package's SQL files from a revision."""

from importlib.resources import files
from typing import Final

from alembic import op

OWNER: Final = "heelrise_owner"
APPENDER: Final = "heelrise_appender"


def execute_sql_file(package: str, name: str, *, role: str = OWNER) -> None:
    """Execute `<package>/sql/<name>`, which may hold many statements, in the revision's transaction.

    It runs as `role`; afterwards the role is the owner again.
    """
    script = files(package).joinpath("sql", name).read_text("utf-8")
    op.execute(f"SET LOCAL ROLE {role}")
    connection = op.get_bind().connection.dbapi_connection
    # Prepared statements hold one command each; the driver's own call takes a script.
    connection.run_async(lambda driver: driver.execute(script))  # type: ignore[union-attr]
    op.execute(f"SET LOCAL ROLE {OWNER}")
