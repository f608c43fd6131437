"""Bundles: pages that wait for one message, which message carried a page, and when each person's bundle may go."""

from alembic import op

revision = "0008"
down_revision = "0007"

_STATEMENTS = (
    # When its first attempt began: for how many messages a person had of late. A page that was carried has none.
    "ALTER TABLE pages ADD COLUMN sent_at BIGINT",
    "ALTER TABLE pages ADD COLUMN carried_by BIGINT",
    "CREATE INDEX pages_sent ON pages (recipient, sent_at) WHERE sent_at IS NOT NULL",
    "CREATE INDEX pages_held ON pages (recipient, severity, id) WHERE state = 'held'",
    "CREATE INDEX pages_carried ON pages (carried_by) WHERE carried_by IS NOT NULL",
    # What waits goes at `due_at`; before `shut_until` new pages wait unseen; `bundle` is the one being filled.
    """CREATE TABLE bundling (
        recipient TEXT PRIMARY KEY,
        due_at BIGINT NOT NULL,
        since BIGINT NOT NULL,
        shut_until BIGINT NOT NULL,
        bundle BIGINT
    )""",
)


def upgrade() -> None:
    """Add the table, and the columns and indexes of pages."""
    for statement in _STATEMENTS:
        op.execute(statement)
