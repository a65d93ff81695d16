"""Cursors and quarantine."""

from alembic import op

from libs.eventlog.migration_sql import execute_sql_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the schema `consume`."""
    op.execute("CREATE SCHEMA consume")
    execute_sql_file("libs.consume", "tables.sql")
