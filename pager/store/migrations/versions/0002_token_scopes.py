"""Tokens of people and scripts, beside those of page links: an id to look them up by, and an end."""

from alembic import op

revision = "0002"
down_revision = "0001"

# Page links have no id, and are in neither index.
STATEMENTS = (
    "ALTER TABLE tokens ADD COLUMN id TEXT",
    "ALTER TABLE tokens ADD COLUMN expires_at BIGINT",
    "CREATE UNIQUE INDEX tokens_id ON tokens (id) WHERE id IS NOT NULL",
    "CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE id IS NOT NULL",
)


def upgrade() -> None:
    """Add the columns and their indexes."""
    for statement in STATEMENTS:
        op.execute(statement)
