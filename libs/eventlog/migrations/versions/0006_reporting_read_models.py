"""Read models."""

from libs.eventlog.migration_sql import execute_sql_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables of the schema `reporting`."""
    execute_sql_file("services.reporting", "schema.sql")
