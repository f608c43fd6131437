"""Heartbeats: when each was heard, what it said last, and what is told of it."""

from alembic import op

revision = "0012"
down_revision = "0011"

_STATEMENTS = (
    # `instance` is "" for what is pinged by its name, and for a watchdog that nobody sent yet; else a fingerprint of
    # who sends it and of its labels. `labels` is JSON. `told` is the state that an alert tells of, "" for none.
    # `gone_at`: since then no file names it.
    """CREATE TABLE heartbeats (
        name TEXT NOT NULL,
        instance TEXT NOT NULL,
        labels TEXT NOT NULL,
        expected_at BIGINT NOT NULL,
        heard_at BIGINT,
        began_at BIGINT,
        run TEXT NOT NULL DEFAULT '',
        failed_at BIGINT,
        exit_status INTEGER,
        lasted BIGINT,
        word TEXT NOT NULL DEFAULT '',
        word_at BIGINT,
        told TEXT NOT NULL DEFAULT '',
        gone_at BIGINT,
        PRIMARY KEY (name, instance)
    )""",
)


def upgrade() -> None:
    """Add the table."""
    for statement in _STATEMENTS:
        op.execute(statement)
