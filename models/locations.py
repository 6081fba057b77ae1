"""Where the shipped files, the working folder and the database are: environment, then one TOML file, then defaults."""

import os
import tomllib
from functools import lru_cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
CURRENT = "current"
"""File in the folder of bundles that names the promoted version."""


class ConfigError(OSError):
    """A settings file that is no TOML; an OSError, so that every command tells it in a sentence."""


def config_file() -> Path:
    """Return the settings file: `YOUSU_CONFIG`, or `yousu.toml` in the working folder of the program."""
    if "YOUSU_CONFIG" in os.environ:
        return Path(os.environ["YOUSU_CONFIG"])
    return Path(os.environ.get("YOUSU_HOME") or _default_home()) / "yousu.toml"


def setting(name: str) -> str:
    """Return the setting `name`, such as `database`: `YOUSU_DATABASE`, else the settings file, else nothing.

    What every command needs stands here; the rest of the file is read by `serve.settings`. Raises ConfigError when it
    is no TOML.
    """
    variable = f"YOUSU_{name.upper()}"
    if variable in os.environ:
        return os.environ[variable]
    file = config_file()
    try:
        stamp = file.stat().st_mtime_ns
    except OSError:
        return ""
    return _of_file(file, stamp).get(name, "")


@lru_cache(4)
def _of_file(file: Path, _stamp: int) -> dict[str, str]:
    try:
        return {k: str(v) for k, v in tomllib.loads(file.read_text(encoding="utf-8")).items()}
    except ValueError as error:
        raise ConfigError(f"{file}: 应为 TOML,实为 {error}") from error


def database_url() -> str:
    """SQLAlchemy URL of the database: the setting `database`, else SQLite in the working folder."""
    return setting("database") or f"sqlite:///{home_dir() / 'yousu.db'}"


def data_dir() -> Path:
    """Folder with `catalog/`, `kb/` and `tickets/`; `YOUSU_DATA` replaces the shipped one."""
    return Path(setting("data") or shipped_data_dir())


def catalog_dir() -> Path:
    """Folder of the catalogue; `YOUSU_CATALOG` replaces the shipped one."""
    return Path(setting("catalog") or data_dir() / "catalog")


def shipped_data_dir() -> Path:
    """Folder of the data that ships with the program."""
    return _ROOT / "data"


def shipped_bundle_dir() -> Path:
    """Folder of the bundle that ships with the program."""
    return Path(__file__).resolve().parent / "bundle"


def bundle_dir() -> Path:
    """Folder of the bundle in use: `YOUSU_BUNDLE`, else the promoted one in the home folder, else the shipped one."""
    if chosen := setting("bundle"):
        return Path(chosen)
    bundles = home_dir() / "bundles"
    version = current_version(bundles)
    return bundles / version if version else shipped_bundle_dir()


def current_version(bundles: Path) -> str:
    """Return the promoted version in a folder of bundles, or nothing."""
    try:
        return (bundles / CURRENT).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def home_dir() -> Path:
    """Folder for what the program writes (database, index, logs).

    `YOUSU_HOME` or `home` in the file of `YOUSU_CONFIG`; `var/` of a source checkout; otherwise
    `$XDG_STATE_HOME/yousu`.
    """
    return Path(setting("home") or _default_home())


def _default_home() -> Path:
    if (_ROOT / "pyproject.toml").is_file():
        return _ROOT / "var"
    return Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local" / "state")) / "yousu"
