"""Settings: flag before variable before credential before pager.toml before default, and errors in words."""

from pathlib import Path

import pytest

from pager.settings import BadSettings, load_settings, parse_listen


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment of its own; PAGER is what Debian sets."""
    for name in ("LISTEN", "DATABASE", "URL", "SOCKET", "CONFIG", "LOG_FORMAT", "LOG_LEVEL"):
        monkeypatch.delenv(f"PAGER_{name}", raising=False)
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PAGER", "less")


def test_the_defaults_listen_on_loopback_and_keep_state_in_the_state_folder(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.database == f"sqlite:///{tmp_path}/state/pager/pager.db"
    assert settings.socket == tmp_path / "state" / "pager" / "pagerd.sock"
    assert settings.links == "http://127.0.0.1:8080"


def test_systemd_s_folders_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/pager:/var/lib/more")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/pager")
    settings = load_settings(tmp_path)

    assert settings.database == "sqlite:////var/lib/pager/pager.db"
    assert settings.socket == Path("/run/pager/pagerd.sock")


def test_the_nearest_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pager.toml").write_text('listen = "127.0.0.1:1"\n')
    found = [load_settings(tmp_path).listen]
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "PAGER_LISTEN").write_text("127.0.0.1:2\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    found.append(load_settings(tmp_path).listen)
    monkeypatch.setenv("PAGER_LISTEN", "127.0.0.1:3")
    found += [load_settings(tmp_path).listen, load_settings(tmp_path, listen="127.0.0.1:4", url=None).listen]

    assert found == [f"127.0.0.1:{number}" for number in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        pytest.param('lisen = "x"', "unknown setting 'lisen' in", id="an unknown key"),
        pytest.param('listen = "8080"', "not an address to listen on: '8080'; write 127.0.0.1:8080", id="only a port"),
        pytest.param('url = "pager.example.org"', "not an address for links", id="an address without http"),
        pytest.param('log_format = "xml"', "PAGER_LOG_FORMAT", id="a format that there is not"),
        pytest.param("listen =", "pager.toml: Invalid value", id="no TOML"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "pager.toml").write_text(toml)

    with pytest.raises(BadSettings, match=said):
        load_settings(tmp_path)


def test_a_password_in_the_database_s_address_is_not_shown(tmp_path: Path) -> None:
    assert "hunter2" not in repr(load_settings(tmp_path, database="postgresql://pager:hunter2@db/pager"))


@pytest.mark.parametrize("listen", ["", "localhost", "a:b", "::1:80", "127.0.0.1:65536", "a b:1", "http://x:1"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(ValueError, match="not an address to listen on"):
        parse_listen(listen)


def test_an_address_of_version_six_stands_in_brackets() -> None:
    assert parse_listen("[::1]:8080") == ("::1", 8080)


SIGN_IN = 'url = "https://pager.example.org"\noidc_issuer = "https://id.example.org"\noidc_client = "pager"\n'


def test_proxies_and_a_provider_are_read_and_the_secret_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = f'proxies = ["10.0.0.7", "2001:db8::/32"]\nproxy_header = "Remote-User"\n{SIGN_IN}'
    (tmp_path / "pager.toml").write_text(written)
    monkeypatch.setenv("PAGER_OIDC_SECRET", "hunter2")
    settings = load_settings(tmp_path)

    signing = settings.signing
    assert signing.provider is not None and signing.guards
    assert (signing.header, signing.provider.secret, signing.provider.claim) == ("Remote-User", "hunter2", "email")
    trusted = [signing.trusts(one) for one in ("10.0.0.7", "10.0.0.8", "2001:db8::1", "::ffff:10.0.0.7", "")]
    assert trusted == [True, False, True, True, False]
    assert "hunter2" not in repr(settings) + repr(signing)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        pytest.param(
            'proxies = ["10.0.0.1/8"]', "not an address or a network: '10.0.0.1/8'", id="a network with a host"
        ),
        pytest.param('proxies = ["proxy"]', "not an address or a network: 'proxy'", id="a name"),
        pytest.param('proxy_header = "Remote-User"', "needs proxies", id="a header from anybody"),
        pytest.param('proxies = ["::1"]\nproxy_header = "A B"', "not the name of a header", id="no header"),
        pytest.param('oidc_issuer = "https://id.example.org"', "go together", id="a provider that knows no pager"),
        pytest.param(SIGN_IN.partition("\n")[2], "oidc_issuer needs url", id="nowhere to come back to"),
        pytest.param(SIGN_IN.replace("https://id", "http://id"), "not an address of a provider", id="in the clear"),
    ],
)
def test_a_sign_in_that_cannot_be_meant_is_said_in_words(tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "pager.toml").write_text(toml)

    with pytest.raises(BadSettings, match=said):
        load_settings(tmp_path)
