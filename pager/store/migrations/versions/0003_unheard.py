"""When an alert is stale, the last word of each source, when pager did not listen, and bodies that are packed."""

from alembic import op

revision = "0003"
down_revision = "0002"

_STATEMENTS = (
    "ALTER TABLE alerts ADD COLUMN stale_at BIGINT",
    # Whoever asks finds the exact time and writes it: a day and an hour is the longest that anything waits by default.
    "UPDATE alerts SET stale_at = heard_at + 90000000000 WHERE status = 'firing'",
    "CREATE INDEX alerts_stale ON alerts (status, stale_at) WHERE stale_at IS NOT NULL",
    "CREATE TABLE sources (name TEXT PRIMARY KEY, dialect TEXT NOT NULL, spoke_at BIGINT NOT NULL)",
    "CREATE TABLE downtimes (began_at BIGINT PRIMARY KEY, ended_at BIGINT NOT NULL)",
    "ALTER TABLE inbox ADD COLUMN packed INTEGER NOT NULL DEFAULT 0",
)


def upgrade() -> None:
    """Add the columns and the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)
