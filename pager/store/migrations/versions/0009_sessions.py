"""Sessions of browsers: each belongs to a token of a person or a script, and ends with it."""

from alembic import op

revision = "0009"
down_revision = "0008"

_STATEMENTS = (
    # `token` is the id of the token that opened it. As with tokens, only a hash is kept.
    """CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        hash TEXT NOT NULL,
        token TEXT NOT NULL,
        agent TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        used_at BIGINT NOT NULL
    )""",
    "CREATE INDEX sessions_token ON sessions (token)",
)


def upgrade() -> None:
    """Add the table."""
    for statement in _STATEMENTS:
        op.execute(statement)
