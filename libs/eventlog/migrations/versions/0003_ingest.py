"""Ingest's schema."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the schema `ingest`: session-ingest's own, empty as long as the log holds all that it knows."""
    op.execute("CREATE SCHEMA ingest")
    op.execute("GRANT USAGE ON SCHEMA ingest TO heelrise_ingest")
