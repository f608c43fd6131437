"""The registry: ours under their names, and what other packages offer through entry points."""

from pathlib import Path

import pytest

from pager.core.report import Source
from pager.dialects import ENTRY_POINTS, installed_sources
from pager.sources import SOURCES


def offer(folder: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package into `folder`: its module `nagios_pager`, and one entry point."""
    info = folder / "nagios_pager-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nagios-pager\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{line}\n")
    (folder / "nagios_pager.py").write_text(
        "from pager.core.report import Parsed, Source\nSOURCE = Source('nagios', lambda *_: Parsed(()))\nNONE = 1\n"
    )
    monkeypatch.syspath_prepend(str(folder))


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_source_is_registered_under_its_name(name: str) -> None:
    assert SOURCES[name].name == name
    assert SOURCES[name].redact(b"as it came") == b"as it came"


def test_installed_sources_begin_with_ours() -> None:
    assert SOURCES.items() <= installed_sources().items()


def test_another_package_adds_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(tmp_path, "nagios = nagios_pager:SOURCE", monkeypatch)

    assert isinstance(installed_sources()["nagios"], Source)
    assert "nagios" not in SOURCES


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param("grafana = nagios_pager:SOURCE", "of this name already", id="a name that is taken"),
        pytest.param("nagios = nagios_pager:NONE", "gives no", id="no Source"),
        pytest.param("nagios = nagios_pager:GONE", "cannot be loaded", id="a name that is not there"),
        pytest.param("nagios = no_such_module:SOURCE", "cannot be loaded", id="a module that is not there"),
    ],
)
def test_a_wrong_offer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, complaint: str) -> None:
    offer(tmp_path, line, monkeypatch)

    with pytest.raises(ValueError, match=f"entry point '{line.split()[0]}'.*{complaint}"):
        installed_sources()
