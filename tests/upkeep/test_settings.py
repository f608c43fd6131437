"""Settings of the upkeep: where things go, how often, and addresses that may be secrets."""

from datetime import timedelta
from pathlib import Path

import pytest

from pager.settings import BadSettings, load_settings


@pytest.mark.parametrize(
    ("database", "state", "backups"),
    [
        pytest.param("sqlite:////srv/pager/pager.db", "/srv/pager", "/srv/pager/backups", id="beside the file"),
        pytest.param("sqlite://", None, None, id="a private database keeps nothing"),
        pytest.param("postgresql://db/pager", "/var/lib/p", None, id="PostgreSQL makes its own copies"),
    ],
)
def test_where_pager_keeps_what_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str, state: str | None, backups: str | None
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/p")
    settings = load_settings(tmp_path, database=database)

    assert (settings.state, settings.backups) == (state and Path(state), backups and Path(backups))


def test_addresses_are_a_list_in_the_file_and_words_in_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pager.toml").write_text('deadman = ["https://a.example/${KEY}", "${B}"]\nbackup_every = "1h30m"\n')
    monkeypatch.setenv("PAGER_LAST_RESORT", "smtp://mail/?to=a@x.org https://b.example/")
    settings = load_settings(tmp_path)

    assert settings.deadman == ("https://a.example/${KEY}", "${B}")
    assert settings.last_resort == ("smtp://mail/?to=a@x.org", "https://b.example/")
    assert settings.backup_every == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('deadman = ["smtp://hunter2@mail/"]', "begins with http:// or https://"),
        ('last_resort = ["ntfy://hunter2/"]', "begins with smtp://"),
        ('reload_every = "0s"', "a second at least"),
        ('backup_every = "often"', "write 30s, 5m or 1h30m"),
        ("backups_kept = 0", "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_meant_is_said_without_the_address(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "pager.toml").write_text(written)
    with pytest.raises(BadSettings, match=said) as raised:
        load_settings(tmp_path)
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in repr(load_settings(tmp_path, written=tmp_path / "none"))
