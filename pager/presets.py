"""Presets: mappings that ship, one file a sender, for `/webhook/NAME` and as a beginning for one's own."""

from collections.abc import Mapping as Object
from functools import cache
from importlib.resources import files

import yaml

from pager.core.mapping import Mapping, read_mapping


@cache
def presets() -> Object[str, tuple[Mapping, ...]]:
    """All of them by name, each with its shapes in the order in which they are tried."""
    folder = files("pager.sources") / "presets"
    found = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml"))
    return {name.removesuffix(".yaml"): _read(preset_text(name.removesuffix(".yaml"))) for name in found}


def preset_text(name: str) -> str:
    """The file of a preset, as it is written. KeyError: there is none of that name."""
    file = files("pager.sources") / "presets" / f"{name}.yaml"
    if not name.replace("-", "").isalnum() or not file.is_file():
        raise KeyError(name)
    return file.read_text(encoding="utf-8")


def _read(text: str) -> tuple[Mapping, ...]:
    written = yaml.safe_load(text)
    return tuple(read_mapping(each) for each in (written if isinstance(written, list) else [written]))
