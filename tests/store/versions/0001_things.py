"""A schema for the tests of the store's own promises."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create one table."""
    op.execute("CREATE TABLE things (name TEXT PRIMARY KEY, amount BIGINT NOT NULL DEFAULT 0, body TEXT)")
