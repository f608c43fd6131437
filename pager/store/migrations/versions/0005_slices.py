"""How far a large body is worked: one transaction works so many of its alerts."""

from alembic import op

revision = "0005"
down_revision = "0004"

_STATEMENTS = (
    "ALTER TABLE todo ADD COLUMN done BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE todo ADD COLUMN changed INTEGER NOT NULL DEFAULT 0",
)


def upgrade() -> None:
    """Add the columns."""
    for statement in _STATEMENTS:
        op.execute(statement)
