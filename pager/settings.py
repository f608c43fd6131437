"""Settings: how this pagerd runs, from flags, `PAGER_…`, credentials and pager.toml, in this order."""

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

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


def _check_url(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
        raise ValueError(f"not an address for links: {url!r}; write https://pager.example.org")
    return url.rstrip("/")


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
    """How one pagerd runs. The bare variable PAGER is never read: it names the viewer of long texts."""

    model_config = SettingsConfigDict(env_prefix="PAGER_", env_ignore_empty=True, frozen=True, extra="forbid")

    config: Path
    listen: Annotated[str, AfterValidator(_check_listen)] = "127.0.0.1:8080"
    database: str = Field(default_factory=lambda: f"sqlite:///{state_folder() / 'pager.db'}", repr=False)
    url: Annotated[str, AfterValidator(_check_url)] = ""
    socket: Path = Field(default_factory=lambda: runtime_folder() / "pagerd.sock")
    log_format: Literal["auto", "logfmt", "json", "pretty"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def host(self) -> str:
        return parse_listen(self.listen)[0]

    @property
    def port(self) -> int:
        return parse_listen(self.listen)[1]

    @property
    def links(self) -> str:
        """What links in pages begin with: `url`, else the address that pagerd listens on."""
        return self.url or f"http://{self.listen}"


def load_settings(config: Path, **flags: Any) -> Settings:
    """The settings for the config folder `config`; flags that are None were not given. Raises BadSettings."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return _of_folder(config)(config=config, **given)
    except ValidationError as error:
        raise BadSettings("\n".join(_said(entry, config) for entry in error.errors())) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{config / TOML}: {error}") from None


def _of_folder(config: Path) -> type[Settings]:
    class OfFolder(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            toml = TomlConfigSettingsSource(settings_cls, config / TOML)
            return init_settings, env_settings, file_secret_settings, toml

    OfFolder.model_config["secrets_dir"] = _secret_folders()
    return OfFolder


def _secret_folders() -> list[Path]:
    places = (os.environ.get("CREDENTIALS_DIRECTORY", ""), "/run/secrets")
    return [Path(place) for place in places if place and Path(place).is_dir()]


def _said(entry: Any, config: Path) -> str:
    """One error in words: the setting by its variable, and never a value that may be a password."""
    name = ".".join(str(part) for part in entry["loc"])
    if entry["type"] == "extra_forbidden":
        return f"unknown setting {name!r} in {config / TOML}; there are: {', '.join(Settings.model_fields)}"
    return f"setting {name} (PAGER_{name.upper()}): {entry['msg'].removeprefix('Value error, ')}"
