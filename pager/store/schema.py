"""The tables, as the first migration makes them; the same text for SQLite and PostgreSQL.

Instants are BIGINT microseconds since the epoch, UTC. Bodies are JSON.
"""

LANES = 16

SCHEMA: tuple[str, ...] = (
    # What was received, as it was received: append only.
    """CREATE TABLE inbox (
        id {serial},
        lane INTEGER NOT NULL,
        source TEXT NOT NULL,
        dialect TEXT NOT NULL,
        accepted_at BIGINT NOT NULL,
        body {blob} NOT NULL
    )""",
    # What is not worked yet: written with the inbox row, deleted by the transaction that worked it.
    "CREATE TABLE todo (inbox_id {key}, lane INTEGER NOT NULL)",
    "CREATE INDEX todo_lane ON todo (lane, inbox_id)",
    # Whoever holds the row of a lane works that lane.
    "CREATE TABLE lanes (lane INTEGER PRIMARY KEY)",
    *(f"INSERT INTO lanes (lane) VALUES ({lane})" for lane in range(LANES)),
    # Rows that no code of ours could read, kept until a person decides.
    """CREATE TABLE failed (
        inbox_id {key},
        source TEXT NOT NULL,
        failed_at BIGINT NOT NULL,
        error TEXT NOT NULL
    )""",
    """CREATE TABLE incidents (
        number {serial},
        group_key TEXT NOT NULL,
        state TEXT NOT NULL,
        severity TEXT NOT NULL,
        policy TEXT NOT NULL,
        team TEXT NOT NULL,
        opened_at BIGINT NOT NULL,
        resolved_at BIGINT,
        due_at BIGINT,
        version INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        body {blob} NOT NULL
    )""",
    # One open incident a group, whichever node hears first.
    "CREATE UNIQUE INDEX incidents_group ON incidents (group_key) WHERE state <> 'resolved'",
    "CREATE INDEX incidents_ended ON incidents (group_key, resolved_at) WHERE state = 'resolved'",
    "CREATE INDEX incidents_due ON incidents (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX incidents_state ON incidents (state, number)",
    # `key` is a 64-bit hash of the source and the alert's own identity: the row's number, so no second index is needed.
    """CREATE TABLE alerts (
        key {key},
        source TEXT NOT NULL,
        incident BIGINT,
        status TEXT NOT NULL,
        firing INTEGER NOT NULL,
        heard_at BIGINT NOT NULL,
        settles_at BIGINT,
        body {blob} NOT NULL
    )""",
    "CREATE INDEX alerts_incident ON alerts (incident)",
    "CREATE INDEX alerts_settle ON alerts (settles_at) WHERE settles_at IS NOT NULL",
    """CREATE TABLE timeline (
        incident BIGINT NOT NULL,
        seq INTEGER NOT NULL,
        at BIGINT NOT NULL,
        by_whom TEXT NOT NULL,
        said TEXT NOT NULL,
        event {blob},
        config TEXT NOT NULL,
        PRIMARY KEY (incident, seq)
    )""",
    """CREATE TABLE pages (
        id {serial},
        incident BIGINT NOT NULL,
        run INTEGER NOT NULL,
        round INTEGER NOT NULL,
        step INTEGER NOT NULL,
        kind TEXT NOT NULL,
        recipient TEXT NOT NULL,
        target TEXT NOT NULL,
        why TEXT NOT NULL,
        by_whom TEXT NOT NULL,
        severity TEXT NOT NULL,
        issued_at BIGINT NOT NULL,
        due_at BIGINT,
        state TEXT NOT NULL,
        reported INTEGER NOT NULL,
        withdrawn_at BIGINT,
        claim TEXT,
        claimed_until BIGINT,
        attempt INTEGER NOT NULL,
        plan {blob}
    )""",
    "CREATE UNIQUE INDEX pages_once ON pages (incident, run, round, step, kind, recipient)",
    "CREATE INDEX pages_due ON pages (due_at) WHERE due_at IS NOT NULL",
    """CREATE TABLE deliveries (
        page BIGINT NOT NULL,
        contact TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        begun_at BIGINT NOT NULL,
        ended_at BIGINT,
        outcome TEXT,
        detail TEXT,
        repeat INTEGER NOT NULL,
        PRIMARY KEY (page, contact, attempt)
    )""",
    # Page links, and later the doors' tokens: only hashes are kept.
    """CREATE TABLE tokens (
        hash TEXT PRIMARY KEY,
        scope TEXT NOT NULL,
        name TEXT NOT NULL,
        incident BIGINT,
        created_at BIGINT NOT NULL,
        used_at BIGINT
    )""",
    "CREATE INDEX tokens_incident ON tokens (incident) WHERE incident IS NOT NULL",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, said TEXT NOT NULL)",
)
