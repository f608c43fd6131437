"""Who asks, and what they see of private incidents: every answer that tells of incidents or alerts comes through here.

A person is believed who signed in, or shows a token of their name. Whom a request or a browser merely names is not.
"""

from collections.abc import Iterable, Mapping, Sequence

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from pager.api.doors import CALLER
from pager.api.parts import ENGINE
from pager.core.code import code_of
from pager.core.incident import Incident
from pager.core.merge import AlertState
from pager.core.people import Team
from pager.core.privacy import TITLE, WHY_NOT, Private, Reader, may_publish, may_see, seen_as
from pager.core.scope import allows
from pager.store import incidents
from pager.store.alerts import KnownAlert
from pager.store.database import Tx
from pager.store.incidents import Kept


def reader_of(request: web.Request) -> Reader:
    """Who asks. A sender's token is nobody's, whatever its name."""
    caller, people = request[CALLER], request.app[ENGINE].catalog.people
    is_person = caller.name in people and allows(caller.scope, "read")
    return Reader(caller.name if is_person else "", allows(caller.scope, "admin"))


def eyes_of(request: web.Request) -> "Eyes":
    """What whoever asks sees."""
    return Eyes(reader_of(request), request.app[ENGINE].catalog.teams)


class Eyes(Struct, frozen=True):
    """What one reader sees of incidents and alerts, by the teams of the files."""

    reader: Reader
    teams: Mapping[str, Team]

    def sees(self, incident: Incident) -> bool:
        return may_see(self.reader, incident, self.teams)

    def may_publish(self, incident: Incident) -> bool:
        return may_publish(self.reader, incident, self.teams)

    def check(self, incident: Incident) -> None:
        """Raises Private for what is not seen whole."""
        if not self.sees(incident):
            raise Private(f"{code_of(incident.number)} {WHY_NOT}")

    def shown(self, kept: Kept) -> Kept:
        """An incident as it is told: whole, or veiled."""
        return replace(kept, incident=seen_as(self.reader, kept.incident, self.teams))

    def hidden(self, tx: Tx, found: Iterable[KnownAlert]) -> dict[int, Incident]:
        """The incidents of these alerts that are not seen whole, by number."""
        if self.reader.is_admin:
            return {}
        homes = {known.incident for known in found if known.incident is not None}
        return {number: one for number, one in incidents.private_of(tx, homes).items() if not self.sees(one)}

    def seen(self, tx: Tx, found: Sequence[KnownAlert]) -> list[KnownAlert]:
        """Those of these alerts that are of no hidden incident."""
        hidden = self.hidden(tx, found)
        return [known for known in found if known.incident not in hidden]

    def alerts(self, tx: Tx, found: Sequence[KnownAlert]) -> list[KnownAlert]:
        """These alerts as they are told: in the place of all those of a hidden incident one that says there is one."""
        hidden, told = self.hidden(tx, found), set()
        shown = []
        for known in found:
            home = hidden.get(known.incident or 0)
            if home is None:
                shown.append(known)
            elif home.number not in told:
                told.add(home.number)
                shown.append(_veiled(known, home))
        return shown


def is_veil(known: KnownAlert) -> bool:
    """Whether this stands in the place of alerts that are hidden: every other alert has a source."""
    return not known.state.source


def _veiled(known: KnownAlert, home: Incident) -> KnownAlert:
    """It fires or does not, as what was asked for; all else is what everybody may know of its incident."""
    state = AlertState(
        key=known.state.key,
        source="",
        status="firing" if known.state.counts_as_firing else "resolved",
        labels={"alertname": TITLE, "incident": code_of(home.number), "severity": home.severity},
        starts_at=home.opened_at,
    )
    return KnownAlert(state, home.number, home.opened_at)
