"""Templates tried before they are in force: each is rendered for a sample incident; a fault has its file and line."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec.structs import replace

from pager.core.documents import RulesFile
from pager.core.findings import Finding, Part
from pager.core.schedule import Loc
from pager.core.template import BARE, SAMPLE, values_of
from pager.rendering import CannotRender, Made, Work, render_apart

BROKEN, SOMETIMES, UNTRIED = "E131", "W211", "W212"
_INSTEAD = "the built-in text goes out then"
_HINT = "write labels.x | default(''), else the built-in text goes out then"


def try_templates(parts: Sequence[Part]) -> list[Finding]:
    """An error for each template that fails for any alert, a warning for one that fails for alerts without some label.

    Where there are no templates nothing is done; else it takes a tenth of a second, and longer for one without end.
    """
    written = list(_written(parts))
    try:
        tried = _tried(tuple(source for _, _, source in written)) if written else ()
    except CannotRender as error:
        # It is no fault of the files: they are taken, and a template that fails leaves the built-in text.
        part, path, _ = written[0]
        return [part.warning(path, UNTRIED, f"the templates could not be tried: {error}")]
    return [
        _finding(part, path, full, bare)
        for (part, path, _), (full, bare) in zip(written, tried, strict=True)
        if full.why or bare.why
    ]


@lru_cache(maxsize=8)
def _tried(sources: tuple[str, ...]) -> tuple[tuple[Made, Made], ...]:
    """What each makes for an alert with every label and for one without any. A reload asks again for the same."""
    full, bare = values_of(SAMPLE), values_of(BARE)
    made = render_apart([Work(source, full, every_label=True) for source in sources])
    sound = [source for source, one in zip(sources, made, strict=True) if not one.why]
    again = dict(zip(sound, render_apart([Work(source, bare) for source in sound]), strict=True))
    return tuple((one, again.get(source, one)) for source, one in zip(sources, made, strict=True))


def _written(parts: Sequence[Part]) -> Iterator[tuple[Part, Loc, str]]:
    for part in parts:
        if isinstance(part.content, RulesFile):
            for kind, template in part.content.templates.items():
                for key, words in template.texts.items():
                    path = ("templates", kind, key) if key else ("templates", kind)
                    yield part, (*path, "body"), words.body
                    if words.title:
                        yield part, (*path, "title"), words.title


def _finding(part: Part, path: Loc, full: Made, bare: Made) -> Finding:
    if full.why:
        said = f"the template for {path[1]} fails: {full.why}"
        return _at(part.error(path, BROKEN, said), full.line)
    said = f"the template for {path[1]} fails for some alerts: {bare.why}; {_HINT if bare.undefined else _INSTEAD}"
    return _at(part.warning(path, SOMETIMES, said), bare.line)


def _at(finding: Finding, line: int) -> Finding:
    return replace(finding, down=line - 1)
