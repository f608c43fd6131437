"""Nodes that share this database: each writes here every other second that it lives, and how it is."""

from alembic import op

revision = "0006"
down_revision = "0005"
# From here on a node runs on the schema of a newer one: nodes are upgraded one by one. A later version that takes
# something away, or gives it another meaning, says here which is the oldest that still works with it.
works_with = "0006"

_STATEMENTS = (
    # `life` is new at each start, and begins the claims that are made in it. `skew` is how far the node's own clock is
    # ahead of the database's, in microseconds. `waiting_since` is when the oldest request was accepted that waits in
    # the lanes that the node works.
    """CREATE TABLE nodes (
        life TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        started_at BIGINT NOT NULL,
        seen_at BIGINT NOT NULL,
        gone_at BIGINT,
        version TEXT NOT NULL,
        config TEXT NOT NULL,
        config_since BIGINT NOT NULL,
        skew BIGINT NOT NULL,
        lanes TEXT NOT NULL,
        waiting_since BIGINT
    )""",
)


def upgrade() -> None:
    """Add the table."""
    for statement in _STATEMENTS:
        op.execute(statement)
