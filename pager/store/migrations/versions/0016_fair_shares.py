"""What each source sent by the hour, what overtook older reports, and from where the tokens of senders are used."""

from alembic import op

revision = "0016"
down_revision = "0015"

_STATEMENTS = (
    # `late` of the alerts were worked last since the source was over its quota, at `over_at` for the last time;
    # `refused` and `invalid` are bodies, and parts of them. Kept for a week.
    """CREATE TABLE source_counts (
        source TEXT NOT NULL,
        hour BIGINT NOT NULL,
        alerts BIGINT NOT NULL,
        bytes BIGINT NOT NULL,
        late BIGINT NOT NULL,
        refused BIGINT NOT NULL,
        unrouted BIGINT NOT NULL,
        invalid BIGINT NOT NULL,
        over_at BIGINT,
        PRIMARY KEY (source, hour)
    )""",
    # Alerts of which a newer report was worked before older ones of their source: what these say is old news.
    "CREATE TABLE overtaken (key BIGINT PRIMARY KEY, inbox_id BIGINT NOT NULL)",
    # The network "" stands for the token itself: since when it is known, and when it was last used from anywhere.
    """CREATE TABLE token_uses (
        token TEXT NOT NULL,
        network TEXT NOT NULL,
        first_at BIGINT NOT NULL,
        seen_at BIGINT,
        PRIMARY KEY (token, network)
    )""",
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)
