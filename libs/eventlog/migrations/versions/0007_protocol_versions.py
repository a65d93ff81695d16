"""Protocol versions: streams by category, and who is on which version."""

from libs.eventlog.migration_sql import execute_sql_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the function, and the engine's table, which it fills when it starts."""
    execute_sql_file("libs.eventlog", "streams.sql")
    execute_sql_file("services.progression_engine", "versions.sql")
