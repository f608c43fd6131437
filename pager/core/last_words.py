"""Last words: the one text that goes out when nobody can be reached by any contact. No templates, nothing to fail."""

from collections.abc import Sequence

from msgspec import Struct

from pager.core.code import code_of
from pager.core.hygiene import clean_title
from pager.core.incident import Incident
from pager.core.privacy import veiled

MOST = 20


class Words(Struct, frozen=True):
    """A title on one line and a body of a few; `codes` are the incidents that it names."""

    title: str
    body: str
    codes: tuple[str, ...]


def last_words(incidents: Sequence[Incident], links: str) -> Words:
    """What is said of these incidents, at least one; the most severe first, the first 20 by name.

    `links` is what links begin with.
    """
    shown = [veiled(incident) if incident.private else incident for incident in incidents]
    ordered = sorted(shown, key=lambda incident: (incident.severity, incident.number))
    first, named = ordered[0], ordered[:MOST]
    more = f" and {len(ordered) - 1} more" if len(ordered) > 1 else ""
    title = f"{first.severity} {code_of(first.number)} {clean_title(first.title)[:120]}{more}: nobody can be reached"
    lines = ["pager could reach nobody by any contact, and nobody has acknowledged:", ""]
    lines += [f"{one.severity} {code_of(one.number)} {clean_title(one.title)[:200]}" for one in named]
    lines += [f"... {len(ordered) - MOST} more"] if len(ordered) > MOST else []
    lines += ["", f"Act: {links}/ or pagerctl ack {code_of(first.number)}"]
    if first.runbook.startswith(("http://", "https://")):
        lines.append(f"Runbook: {clean_title(first.runbook)}")
    return Words(title, "\n".join(lines) + "\n", tuple(code_of(one.number) for one in named))
