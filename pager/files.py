"""The config folder: its files read, hashed and made into the catalog, or into all problems at once."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from msgspec import Struct, field

from pager.core.assemble import assemble, find_repeats, join
from pager.core.catalog import Catalog
from pager.core.findings import Finding, Part
from pager.core.schedule import Schedule
from pager.core.shiftlint import lint_schedules
from pager.documents import Reading, read_documents
from pager.problems import Problem, in_order, suggest
from pager.template_check import try_templates
from pager.yaml12 import read_text

YAML = (".yaml", ".yml")
FOLDERS = ("rules", "schedules")
SYSTEM_FOLDER = Path("/etc/pager")


class Folder(Struct, frozen=True):
    """What stands in a config folder, by names such as `rules/payments.yaml`, sorted.

    `runbooks` are the names of the files below runbooks/. `hash` changes when any name or any text does.
    """

    path: Path
    texts: Mapping[str, str]
    runbooks: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    hash: str = ""


class Loaded(Struct, frozen=True):
    """A config folder as it was read: the catalog, or None when one of the problems is an error.

    `counts` has how many rules, schedules and people were understood.
    """

    path: Path
    catalog: Catalog | None
    problems: list[Problem]
    texts: Mapping[str, str]
    hash: str
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        return sum(problem.level == "error" for problem in self.problems)


def config_folder(flag: Path | None, environ: Mapping[str, str], here: Path) -> Path:
    """The config folder: the flag, else PAGER_CONFIG, else `here` if it has rules/ or schedules/, else /etc/pager."""
    if flag is not None:
        return flag
    if environ.get("PAGER_CONFIG"):
        return Path(environ["PAGER_CONFIG"])
    return here if any((here / name).is_dir() for name in FOLDERS) else SYSTEM_FOLDER


def example_folder() -> Path:
    """The example that ships: pager/example in a wheel, the top of the repository otherwise."""
    package = Path(__file__).resolve().parent
    shipped = package / "example"
    return shipped if shipped.is_dir() else package.parent


def read_folder(path: Path, *, schedules_only: bool = False) -> Folder:
    """All texts of the folder. What cannot be read, or lies outside by a link, is a problem and never an exception.

    Names that begin with a dot are left out: editors and Kubernetes keep their own things there.
    """
    wanted = FOLDERS[1:] if schedules_only else FOLDERS
    problems = [problem for name in wanted if (problem := _missing(path, name))]
    texts: dict[str, str] = {}
    for folder in wanted:
        for name, file in _files(path, folder, YAML, problems):
            text, wrong = read_text(file, name)
            problems += wrong
            if text is not None:
                texts[name] = text
    runbooks = frozenset(name for name, _ in _files(path, "runbooks", (".md",), problems))
    return Folder(path, texts, runbooks, tuple(problems), _hash(texts, runbooks))


def load_catalog(path: Path, now: datetime, *, schedules_only: bool = False) -> Loaded:
    """The catalog of the folder at `path`, and all problems; gaps in schedules are looked for from `now` on.

    With `schedules_only`, rules/ need not be there and names that nobody has are no problem: enough to say who is
    on call.
    """
    folder = read_folder(path, schedules_only=schedules_only)
    readings = [read_documents(name, text) for name, text in folder.texts.items()]
    parts = [part for reading in readings for part in reading.parts]
    if schedules_only:
        catalog, findings = join(parts, folder.runbooks, folder.hash), find_repeats(parts)
    else:
        whole, findings = assemble(parts, folder.runbooks, folder.hash)
        catalog = whole or join(parts)
        findings = [*findings, *lint_schedules(parts, now), *try_templates(parts)]
    problems = [*folder.problems, *(problem for reading in readings for problem in reading.problems)]
    problems += _problems(findings, readings, folder.texts)
    sound = not any(problem.level == "error" for problem in problems)
    counts = _counts(parts)
    return Loaded(path, catalog if sound else None, in_order(problems), folder.texts, folder.hash, counts)


def _missing(path: Path, folder: str) -> Problem | None:
    if (path / folder).is_dir():
        return None
    if not path.is_dir():
        return Problem(folder, 1, 1, "E005", f"no folder {path}", hint="name another with --config")
    hint = "name another folder with --config"
    return Problem(folder, 1, 1, "E005", f"no folder {folder}/ in {path.resolve()}", hint=hint)


def _files(path: Path, folder: str, endings: tuple[str, ...], problems: list[Problem]) -> Iterator[tuple[str, Path]]:
    """(name, file) below `folder`, sorted by name. A link that leads out of the config folder is not followed."""
    root = path.resolve()
    found: list[tuple[str, Path]] = []
    waiting, seen = [(folder, path / folder)], set[Path]()
    while waiting:
        name, place = waiting.pop()
        real = place.resolve()
        if not real.is_relative_to(root):
            problems.append(Problem(_spelled(name), 1, 1, "E006", "a link out of the config folder: not read"))
        elif place.is_dir() and real not in seen:
            seen.add(real)
            waiting += [(f"{name}/{entry}", place / entry) for entry in _entries(place, name, problems)]
        elif name.endswith(endings) and not place.is_dir():
            found.append((_spelled(name), place))
    yield from sorted(found)


def _entries(place: Path, name: str, problems: list[Problem]) -> list[str]:
    try:
        return [entry for entry in os.listdir(place) if not entry.startswith(".")]  # noqa: PTH208  names are enough
    except OSError as error:
        problems.append(Problem(_spelled(name), 1, 1, "E001", f"cannot be read: {error.strerror}"))
        return []


def _spelled(name: str) -> str:
    """A name that every output can carry, also where it is not UTF-8."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _hash(texts: Mapping[str, str], runbooks: frozenset[str]) -> str:
    digest = sha256()
    for name in (*texts, *sorted(runbooks - texts.keys())):
        # Lengths part them, so that a name moved into a text makes another hash.
        for piece in (name.encode(), texts.get(name, "").encode()):
            digest.update(b"%d:" % len(piece) + piece)
    return digest.hexdigest()


def _problems(findings: Sequence[Finding], readings: Sequence[Reading], texts: Mapping[str, str]) -> Iterator[Problem]:
    by_file = {reading.file: reading for reading in readings}
    for finding in findings:
        line, column, snippet = 1, 1, ""
        if finding.file in by_file:
            line, column, snippet = by_file[finding.file].locate(finding, texts[finding.file])
        hint = suggest(finding.word, finding.known) if finding.word else ""
        yield Problem(finding.file, line, column, finding.code, finding.message, finding.level, snippet, hint)


def _counts(parts: Sequence[Part]) -> Counter[str]:
    counts = Counter(schedules=sum(isinstance(part.content, Schedule) for part in parts))
    for part in parts:
        counts["rules"] += len(getattr(part.content, "rules", ()))
        counts["people"] += len(getattr(part.content, "people", ()))
    return counts
