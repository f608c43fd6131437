"""Who is who in an export: the keys that its identifiers got, and people who are only mentioned."""

from collections.abc import Iterable

from msgspec.structs import replace

from pager.core.importing.model import Export, Person, Team
from pager.core.importing.reading import Names, Node, Sections


class Index:
    """Keys by identifier, for what was read so far. People and teams are found by any of their identifiers."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.names = {kind: Names() for kind in ("person", "team", "schedule", "policy", "source", "rule")}
        self._keys: dict[tuple[str, str], str] = {}

    def add(self, kind: str, *identifiers: str, wishes: tuple[str, ...]) -> str:
        """A new key for what has these identifiers, plain out of the first wish that can be one."""
        key = self.names[kind].key(*wishes)
        for identifier in filter(None, identifiers):
            self._keys.setdefault((kind, identifier.casefold()), key)
        return key

    def key(self, kind: str, identifier: str) -> str:
        """The key of what has the identifier, or "" when the export does not have it."""
        return self._keys.get((kind, identifier.casefold()), "")

    def who(self, identifier: str, name: str, where: str) -> str:
        """The key of a person; one who is mentioned and not listed comes over by name alone."""
        if found := self.key("person", identifier):
            return found
        key = self.add("person", identifier, wishes=(name.partition("@")[0], identifier))
        self.export.people.append(Person(key, name))
        self.export.remark("lost", where, f"{name or identifier} is not among the users of the export: no contacts")
        return key

    def members(self, team: str) -> tuple[str, ...]:
        """The people of the team with this key."""
        return next((one.people for one in self.export.teams if one.key == team), ())

    def join(self, team: str, person: str) -> None:
        """Make somebody a member of the team with this key, once."""
        for at, one in enumerate(self.export.teams):
            if one.key == team and person not in one.people:
                self.export.teams[at] = replace(one, people=(*one.people, person))

    def team(self, node: Node) -> str:
        """A new team without members yet; its key."""
        name = node.text("name")
        key = self.add("team", node.key(), name, wishes=(name,))
        self.export.teams.append(Team(key, name))
        return key


def warn_of_pages(export: Export, found: Sections) -> None:
    """Files that say there is more."""
    for file in found.cut:
        export.remark("lost", file, "it says that more pages follow; what stands on them is only here if you got them")


def warn_of_rest(export: Export, found: Sections, used: str) -> None:
    """Parts of the export that nothing was made of."""
    known = set(used.split())
    for section, nodes in found.found.items():
        if section not in known and nodes:
            export.remark(
                "lost", nodes[0].path.partition("[")[0], f"{len(nodes)} of {section}: nothing of ours is made of it"
            )


def warn_of_strays(export: Export, found: Sections, section: str, owners: Iterable[str]) -> None:
    """Objects that only their file's name gives to somebody, and that it gives to nobody of `owners`."""
    known = set(owners)
    strays = [node for node in found.of(section) if node.subject not in known]
    if strays:
        file = strays[0].path.partition(":")[0]
        said = f"{len(strays)} of {section} belong to nothing of the export: left out; name the file {section}-ID.json"
        export.remark("lost", file, said)
