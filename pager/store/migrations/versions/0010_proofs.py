"""Proofs: which contact of whom was tested when, and when somebody answered by the link in it."""

from alembic import op

revision = "0010"
down_revision = "0009"

_STATEMENTS = (
    # `url` is a hash of the contact's URL as the files write it: another URL has yet to be proven.
    """CREATE TABLE proofs (
        hash TEXT PRIMARY KEY,
        page BIGINT NOT NULL,
        person TEXT NOT NULL,
        contact TEXT NOT NULL,
        url TEXT NOT NULL,
        tested_at BIGINT NOT NULL,
        acked_at BIGINT
    )""",
    "CREATE INDEX proofs_person ON proofs (person, contact, tested_at)",
)


def upgrade() -> None:
    """Add the table."""
    for statement in _STATEMENTS:
        op.execute(statement)
