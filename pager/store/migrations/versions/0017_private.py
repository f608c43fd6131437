"""Private incidents: which they are, and who is named in them."""

from alembic import op

revision = "0017"
down_revision = "0016"

_STATEMENTS = (
    # A JSON list of those who are named, NULL for what is not private. A node of before leaves it alone, so that what
    # is private stays private after that node has written the rest of the row.
    "ALTER TABLE incidents ADD COLUMN private TEXT",
    "CREATE INDEX incidents_private ON incidents (number) WHERE private IS NOT NULL",
)


def upgrade() -> None:
    """Add the column."""
    for statement in _STATEMENTS:
        op.execute(statement)
