"""The outbox."""

from libs.eventlog.migration_sql import execute_sql_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables of the schema `notification`."""
    execute_sql_file("services.notification", "schema.sql")
