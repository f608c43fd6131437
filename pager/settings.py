"""Settings: how this pagerd runs, from flags, `PAGER_…`, credentials and pager.toml, in this order."""

import os
import re
import socket
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pager.core.duration import Duration
from pager.core.signing import Provider, Signing, parse_network
from pager.core.vcard import check_caller

TOML = "pager.toml"
_SYSTEM_STATE = Path("/var/lib/pager")


class BadSettings(ValueError):
    """Settings that cannot be meant; the message names each and where settings come from."""


def parse_listen(listen: str) -> tuple[str, int]:
    """(host, port) of `127.0.0.1:8080` or `[::1]:8080`; port 0 takes a free one. Raises ValueError."""
    shape = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]/]+)):(\d{1,5})", listen)
    if shape is None or int(shape[3]) > 65535:
        raise ValueError(f"not an address to listen on: {listen!r}; write 127.0.0.1:8080 or [::1]:8080")
    return shape[1] or shape[2], int(shape[3])


def _check_listen(listen: str) -> str:
    parse_listen(listen)
    return listen


def _check_smtp(listen: str) -> str:
    return _check_listen(listen) if listen else ""


def _check_node(name: str) -> str:
    if name and not re.fullmatch(r"[\w.:-]{1,64}", name):
        raise ValueError(f"not a name of a node: {name!r}; write up to 64 letters, digits and any of . : _ -")
    return name


def _check_url(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
        raise ValueError(f"not an address for links: {url!r}; write https://pager.example.org")
    return url.rstrip("/")


def _words(given: Any) -> Any:
    """In a variable several addresses are parted by spaces; in pager.toml they are a list."""
    return given.split() if isinstance(given, str) else given


def _check_addresses(*schemes: str) -> AfterValidator:
    known = " or ".join(f"{name}://" for name in schemes)

    def check(addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            # A whole address may be a secret; it is judged when it is filled in.
            if not address.startswith("${") and urlsplit(address).scheme not in schemes:
                raise ValueError(f"an address here begins with {known}")
        return addresses

    return AfterValidator(check)


def _check_networks(written: tuple[str, ...]) -> tuple[str, ...]:
    for network in written:
        parse_network(network)
    return written


def _check_header(name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", name, re.ASCII):
        raise ValueError(f"not the name of a header: {name!r}; write X-Forwarded-User or Remote-User")
    return name


def _check_issuer(url: str) -> str:
    if url and not re.fullmatch(r"https://[^\s?#]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s?#]*)?", url):
        raise ValueError(
            "not an address of a provider; write https://login.example.org, as its discovery says `issuer`"
        )
    return url


def _check_callers(written: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(check_caller, written))


def _check_pause(pause: timedelta) -> timedelta:
    if pause < timedelta(seconds=1):
        raise ValueError("a second at least")
    return pause


Pause = Annotated[Duration, AfterValidator(_check_pause)]
Addresses = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]


def state_folder() -> Path:
    """Where the database lives: systemd's folder, else the user's, for root /var/lib/pager."""
    if os.environ.get("STATE_DIRECTORY"):
        return Path(os.environ["STATE_DIRECTORY"].split(":")[0])
    if os.environ.get("XDG_STATE_HOME"):
        return Path(os.environ["XDG_STATE_HOME"]) / "pager"
    return _SYSTEM_STATE if os.geteuid() == 0 else Path.home() / ".local" / "state" / "pager"


def runtime_folder() -> Path:
    """Where the socket lives: systemd's folder, else the session's, else the state folder."""
    if os.environ.get("RUNTIME_DIRECTORY"):
        return Path(os.environ["RUNTIME_DIRECTORY"].split(":")[0])
    if os.environ.get("XDG_RUNTIME_DIR"):
        return Path(os.environ["XDG_RUNTIME_DIR"]) / "pager"
    return state_folder()


class Settings(BaseSettings):
    """How one pagerd runs. The bare variable PAGER is never read: it names the viewer of long texts.

    Intake answers 503 when `backlog_rows` requests or `backlog_bytes` wait to be worked, or when less than
    `least_free` percent of the database's disk is free. At most `connections` are open, and `connections_of_one`
    address. Bodies are kept for `bodies_kept` or up to `bodies_bytes`, incidents for `incidents_kept` after their end.
    With `oncall_names` the metrics name who is on call. From `proxies`, addresses or networks, X-Forwarded-For is
    believed, and `proxy_header` as the name of a person. `oidc_...` is the provider that people sign in at.
    `callers` are the numbers and addresses that pages come from, for the contact card at /me. Mail comes in at
    `smtp_listen`, "" for nowhere, at most `smtp_largest` bytes each, by STARTTLS where there is a `smtp_certificate`.
    """

    model_config = SettingsConfigDict(env_prefix="PAGER_", env_ignore_empty=True, frozen=True, extra="forbid")

    config: Path
    listen: Annotated[str, AfterValidator(_check_listen)] = "127.0.0.1:8080"
    database: str = Field(default_factory=lambda: f"sqlite:///{state_folder() / 'pager.db'}", repr=False)
    url: Annotated[str, AfterValidator(_check_url)] = ""
    node: Annotated[str, AfterValidator(_check_node)] = ""
    socket: Path = Field(default_factory=lambda: runtime_folder() / "pagerd.sock")
    largest_body: int = Field(16 * 1024**2, ge=64 * 1024, le=256 * 1024**2)
    backlog_rows: int = Field(1_000_000, ge=1)
    backlog_bytes: int = Field(1024**3, ge=1024**2)
    least_free: float = Field(10.0, ge=0, le=90)
    bodies_kept: Pause = timedelta(days=30)
    bodies_bytes: int = Field(1024**3, ge=1024**2)
    incidents_kept: Pause = timedelta(days=90)
    connections: int = Field(1000, ge=8)
    connections_of_one: int = Field(250, ge=4)
    log_format: Literal["auto", "logfmt", "json", "pretty"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    reload_every: Pause = timedelta(seconds=15)
    backup_every: Pause = timedelta(minutes=15)
    backup_folder: Path | None = None
    backups_kept: int = Field(default=8, ge=1)
    deadman: Annotated[Addresses, _check_addresses("http", "https")] = Field(default=(), repr=False)
    deadman_every: Pause = timedelta(minutes=1)
    oncall_names: bool = False
    last_resort: Annotated[Addresses, _check_addresses("smtp", "smtps", "http", "https")] = Field(
        default=(), repr=False
    )
    proxies: Annotated[Addresses, AfterValidator(_check_networks)] = ()
    callers: Annotated[Addresses, AfterValidator(_check_callers)] = ()
    proxy_header: Annotated[str, AfterValidator(_check_header)] = ""
    smtp_listen: Annotated[str, AfterValidator(_check_smtp)] = ""
    smtp_largest: int = Field(1024**2, ge=64 * 1024, le=32 * 1024**2)
    smtp_connections: int = Field(100, ge=4)
    smtp_certificate: Path | None = None
    smtp_key: Path | None = None
    oidc_issuer: Annotated[str, AfterValidator(_check_issuer)] = ""
    oidc_client: str = ""
    oidc_secret: str = Field(default="", repr=False)
    oidc_claim: str = Field(default="email", min_length=1)
    oidc_name: str = Field(default="your provider", min_length=1, max_length=60)

    @model_validator(mode="after")
    def _sign_in_is_whole(self) -> "Settings":
        if self.proxy_header and not self.proxies:
            raise ValueError("proxy_header (PAGER_PROXY_HEADER) needs proxies: whom it is believed from")
        if bool(self.oidc_issuer) != bool(self.oidc_client):
            raise ValueError("oidc_issuer and oidc_client (PAGER_OIDC_ISSUER, PAGER_OIDC_CLIENT) go together")
        if self.smtp_key and not self.smtp_certificate:
            raise ValueError("smtp_key (PAGER_SMTP_KEY) needs smtp_certificate (PAGER_SMTP_CERTIFICATE)")
        if self.oidc_issuer and not self.url:
            raise ValueError("oidc_issuer needs url (PAGER_URL): the provider sends people back to it")
        return self

    @property
    def signing(self) -> Signing:
        """Who else says who people are: proxies and a provider."""
        proxies = tuple(parse_network(network) for network in self.proxies)
        if not self.oidc_issuer:
            return Signing(proxies, self.proxy_header)
        whole = (self.oidc_issuer, self.oidc_client, self.oidc_secret, self.oidc_claim, self.oidc_name)
        return Signing(proxies, self.proxy_header, Provider(*whole))

    @property
    def host(self) -> str:
        return parse_listen(self.listen)[0]

    @property
    def port(self) -> int:
        return parse_listen(self.listen)[1]

    @property
    def node_name(self) -> str:
        """What this node is called among others: `node`, else this machine and the port."""
        return self.node or f"{socket.gethostname()[:50]}:{self.port}"

    @property
    def state(self) -> Path | None:
        """Where pager keeps what is its own: beside its SQLite file; None where that is a private one."""
        scheme, _, rest = self.database.partition("://")
        if scheme != "sqlite":
            return state_folder()
        path = rest.removeprefix("/")
        return None if path in ("", ":memory:") else Path(path).parent

    @property
    def backups(self) -> Path | None:
        """Where the copies of the SQLite file go; None where there are none to make."""
        if self.state is None or not self.database.startswith("sqlite:"):
            return None
        return self.backup_folder or self.state / "backups"

    @property
    def links(self) -> str:
        """What links in pages begin with: `url`, else the address that pagerd listens on."""
        return self.url or f"http://{self.listen}"


def load_settings(config: Path, *, written: Path | None = None, **flags: Any) -> Settings:
    """The settings for the config folder `config`; flags that are None were not given. Raises BadSettings.

    `written` is read instead of the folder's pager.toml; it need not be there.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    written = written or config / TOML
    try:
        return _of_file(written)(config=config, **given)
    except ValidationError as error:
        raise BadSettings("\n".join(_said(entry, written) for entry in error.errors())) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{written}: {error}") from None
    except OSError as error:
        raise BadSettings(f"{written} cannot be read: {error.strerror}") from None


def _of_file(written: Path) -> type[Settings]:
    class OfFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            toml = TomlConfigSettingsSource(settings_cls, written)
            return init_settings, env_settings, file_secret_settings, toml

    OfFile.model_config["secrets_dir"] = _secret_folders()
    return OfFile


def _secret_folders() -> list[Path]:
    places = (os.environ.get("CREDENTIALS_DIRECTORY", ""), "/run/secrets")
    return [Path(place) for place in places if place and Path(place).is_dir()]


def _said(entry: Any, written: Path) -> str:
    """One error in words: the setting by its variable, and never a value that may be a password."""
    name = ".".join(str(part) for part in entry["loc"])
    if not name:
        return str(entry["msg"]).removeprefix("Value error, ")
    if entry["type"] == "extra_forbidden":
        return f"unknown setting {name!r} in {written}; there are: {', '.join(Settings.model_fields)}"
    return f"setting {name} (PAGER_{name.upper()}): {entry['msg'].removeprefix('Value error, ')}"
