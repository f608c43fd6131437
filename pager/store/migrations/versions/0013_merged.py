"""Groups of incidents that were merged into others: whose later alerts go where."""

from alembic import op

revision = "0013"
down_revision = "0012"

_STATEMENTS = (
    # `incident` is where the group's new alerts belong while it is open, and for as long as it may open again.
    "CREATE TABLE merged_groups (group_key TEXT PRIMARY KEY, incident BIGINT NOT NULL)",
    "CREATE INDEX merged_groups_incident ON merged_groups (incident)",
)


def upgrade() -> None:
    """Add the table."""
    for statement in _STATEMENTS:
        op.execute(statement)
