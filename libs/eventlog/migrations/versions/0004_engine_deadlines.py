"""Deadlines."""

from libs.eventlog.migration_sql import execute_sql_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the schema `engine`."""
    execute_sql_file("services.progression_engine", "tables.sql")
