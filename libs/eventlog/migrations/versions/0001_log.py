"""The record: heads, entries, streams, claims, keys, blobs, and the functions that alone write them."""

import secrets

import sqlalchemy as sa
from alembic import op

from libs.eventlog.migration_sql import APPENDER, OWNER, execute_sql_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the schema `log`."""
    for name in ("tables.sql", "rights.sql", "read.sql"):
        execute_sql_file("libs.eventlog", name, role=OWNER)
    for name in ("parse.sql", "state.sql", "write.sql", "append.sql"):
        execute_sql_file("libs.eventlog", name, role=APPENDER)
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.get_bind().execute(
        sa.text(
            "INSERT INTO log.keys (clinic, keyid, owner, secret)"
            " VALUES ('deployment', 'claims-deployment/1', 'claims-deployment', :secret)"
        ),
        {"secret": secrets.token_bytes(32)},
    )
