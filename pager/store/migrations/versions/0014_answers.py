"""Answers to requests that showed an Idempotency-Key: whoever asks again is answered the same, on whichever node."""

from alembic import op

revision = "0014"
down_revision = "0013"

_STATEMENTS = (
    # `key` and `asked` are digests: of the key, and of the method, path and body that came with it. `claim` names the
    # one who works it, since `at`; `acted`: a transaction of theirs is committed. `status` is NULL until it is
    # answered; `headers` are JSON, and `body` is "" where the answer must not be kept.
    """CREATE TABLE answers (
        caller TEXT NOT NULL,
        key TEXT NOT NULL,
        asked TEXT NOT NULL,
        claim TEXT NOT NULL,
        at BIGINT NOT NULL,
        acted INTEGER NOT NULL DEFAULT 0,
        status INTEGER,
        headers TEXT NOT NULL DEFAULT '{}',
        body TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (caller, key)
    )""",
    "CREATE INDEX answers_at ON answers (at)",
)


def upgrade() -> None:
    """Add the table."""
    for statement in _STATEMENTS:
        op.execute(statement)
