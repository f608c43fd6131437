"""Who people are: their passwords, their sessions, sign-ins on their way to a provider, and what they changed."""

from alembic import op

revision = "0011"
down_revision = "0010"

_STATEMENTS = (
    # A person of the files who was asked to choose a password. `password` is what Argon2 made of it, "" before.
    # `invite` is the hash of the one link that sets it, and `invited_by` who made that.
    """CREATE TABLE accounts (
        person TEXT PRIMARY KEY,
        password TEXT NOT NULL DEFAULT '',
        invite TEXT,
        invited_by TEXT NOT NULL DEFAULT '',
        invited_at BIGINT NOT NULL,
        invite_ends BIGINT NOT NULL,
        set_at BIGINT,
        disabled_at BIGINT,
        disabled_by TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE UNIQUE INDEX accounts_invite ON accounts (invite) WHERE invite IS NOT NULL",
    # A session is a token's, or that of the `person` who came in by `way`: password, oidc.
    "ALTER TABLE sessions ADD COLUMN person TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE sessions ADD COLUMN way TEXT NOT NULL DEFAULT 'token'",
    "ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX sessions_person ON sessions (person) WHERE person <> ''",
    # Browsers that came back from a provider: `state` is a hash of what they bring, once.
    """CREATE TABLE signins (
        state TEXT PRIMARY KEY,
        used_at BIGINT NOT NULL
    )""",
    # What people changed: each row's hash covers the one before, and the last one is kept in `meta`, too.
    """CREATE TABLE audit (
        id BIGINT PRIMARY KEY,
        at BIGINT NOT NULL,
        who TEXT NOT NULL,
        via TEXT NOT NULL,
        address TEXT NOT NULL,
        act TEXT NOT NULL,
        object TEXT NOT NULL,
        detail TEXT NOT NULL,
        hash TEXT NOT NULL
    )""",
    "INSERT INTO meta (name, said) VALUES ('audit', '0 ')",
)
_ONLY_GROWS = {
    "sqlite": (
        "CREATE TRIGGER audit_stands BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END",
        "CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''the audit only grows''; END'",
        "CREATE TRIGGER audit_stands BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_only_grows()",
    ),
}


def upgrade() -> None:
    """Add the tables and columns."""
    for statement in (*_STATEMENTS, *_ONLY_GROWS[op.get_bind().dialect.name]):
        op.execute(statement.replace(":", r"\:"))  # no parameters here
