"""Scopes: what a token may do. Senders and readers know nothing of each other; an admin may do everything."""

from typing import Literal, get_args

Scope = Literal["ingest", "calendar", "read", "respond", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
SignInRole = Literal["viewer", "responder", "admin"]
"""What a person of the files may, once they have signed in."""
SCOPE_OF: dict[SignInRole, Scope] = {"viewer": "read", "responder": "respond", "admin": "admin"}

_GRANTS: dict[str, frozenset[Scope]] = {
    "ingest": frozenset({"ingest"}),
    "calendar": frozenset({"calendar"}),
    "read": frozenset({"calendar", "read"}),
    "respond": frozenset({"calendar", "read", "respond"}),
    "admin": frozenset(SCOPES),
}


def allows(held: str, wanted: Scope) -> bool:
    """Whether whoever holds `held` may do what needs `wanted`; "" and what is no scope allow nothing."""
    return wanted in _GRANTS.get(held, ())
