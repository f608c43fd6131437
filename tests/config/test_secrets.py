"""Where `${NAME}` is looked for, in which order, and that it is shown nowhere."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pager.secrets import MissingSecret, Secrets
from tests.support import covers


@pytest.fixture
def places(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """An environment with all places filled, each with its own name as the secret, and the folder /run/secrets."""
    for folder in ("credentials", "run"):
        (tmp_path / folder).mkdir()
    (tmp_path / "file").write_text("from NAME_FILE\n")
    (tmp_path / "credentials" / "TOKEN").write_text("from credentials\n")
    (tmp_path / "credentials" / "secret_TOKEN").write_text("from secret_\n")
    (tmp_path / "run" / "TOKEN").write_text("from run\r\n")
    environ = {
        "TOKEN": "from environment\n",
        "TOKEN_FILE": str(tmp_path / "file"),
        "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"),
    }
    return environ, tmp_path / "run"


def test_the_first_place_that_has_it_wins(places: tuple[dict[str, str], Path]) -> None:
    environ, run = places
    found = [Secrets(environ, run).get("TOKEN")]
    for gone in ("TOKEN", "TOKEN_FILE"):
        del environ[gone]
        found.append(Secrets(environ, run).get("TOKEN"))
    for name in ("TOKEN", "secret_TOKEN"):
        (Path(environ["CREDENTIALS_DIRECTORY"]) / name).unlink()
        found.append(Secrets(environ, run).get("TOKEN"))

    assert found == ["from environment", "from NAME_FILE", "from credentials", "from secret_", "from run"]


@pytest.mark.parametrize(
    ("written", "secret"),
    [
        pytest.param("a\n", "a", id="one newline at the end goes"),
        pytest.param("a\n\n", "a\n", id="and only one"),
        pytest.param(" a ", " a ", id="spaces stay"),
        pytest.param("${OTHER}", "${OTHER}", id="a secret is not looked into"),
    ],
)
def test_a_secret_is_what_was_written(written: str, secret: str) -> None:
    assert Secrets({"TOKEN": written}).get("TOKEN") == secret


def test_a_missing_secret_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(MissingSecret) as error:
        Secrets({"CREDENTIALS_DIRECTORY": "/creds"}, tmp_path).get("TOKEN")

    assert str(error.value) == (
        f"no secret TOKEN; looked in $TOKEN, $TOKEN_FILE, /creds/TOKEN, /creds/secret_TOKEN, {tmp_path}/TOKEN"
    )
    assert error.value.name == "TOKEN"


@pytest.mark.parametrize("name", ["../etc/passwd", "A/B", "", "A B", "\0"])
def test_what_is_no_name_is_looked_for_nowhere(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a secret"):
        Secrets({name: "x"}).get(name)

    assert name not in Secrets({name: "x"})


def test_an_empty_secret_is_none_and_the_viewer_of_long_texts_is_no_secret(tmp_path: Path) -> None:
    secrets = Secrets({"TOKEN": "", "PAGER": "less"}, tmp_path)

    assert "TOKEN" not in secrets
    assert "PAGER" not in secrets


def test_secrets_fill_contacts_and_are_not_shown() -> None:
    secrets = Secrets({"TOPIC": "s3cret"})

    assert secrets.fill("ntfys://${TOPIC}") == "ntfys://s3cret"
    assert "s3cret" not in repr(secrets) + str(vars(secrets).keys())


@covers("T25")
@pytest.mark.parametrize(
    ("mode", "warnings"),
    [
        pytest.param(0o644, 1, id="everybody may read it"),
        pytest.param(0o640, 0, id="its group may"),
        pytest.param(0o600, 0, id="its owner may"),
    ],
)
def test_t25_a_secret_that_everybody_may_read_is_warned_about_once(tmp_path: Path, mode: int, warnings: int) -> None:
    place = tmp_path / "topic"
    place.write_text("s3cret\n")
    place.chmod(mode)
    secrets = Secrets({"TOPIC_FILE": str(place)}, tmp_path)

    with capture_logs() as logs:
        assert {secrets.get("TOPIC"), secrets.get("TOPIC")} == {"s3cret"}

    assert [(entry["secret"], entry["file"]) for entry in logs] == [("TOPIC", str(place))] * warnings
    assert "s3cret" not in str(logs)


@covers("T25")
def test_what_is_mounted_for_one_service_is_not_warned_about(places: tuple[dict[str, str], Path]) -> None:
    environ, run = places
    del environ["TOKEN"], environ["TOKEN_FILE"]

    with capture_logs() as logs:
        Secrets(environ, run).get("TOKEN")

    assert logs == []
