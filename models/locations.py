"""Where the shipped files and the working folder are; settings, not contents."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def data_dir() -> Path:
    """Folder with `catalog/`, `kb/` and `tickets/`; `YOUSU_DATA` replaces the shipped one."""
    return Path(os.environ.get("YOUSU_DATA", _ROOT / "data"))


def catalog_dir() -> Path:
    """Folder of the catalogue; `YOUSU_CATALOG` replaces the shipped one."""
    return Path(os.environ.get("YOUSU_CATALOG", data_dir() / "catalog"))


def bundle_dir() -> Path:
    """Folder of the model bundle; `YOUSU_BUNDLE` replaces the shipped one."""
    return Path(os.environ.get("YOUSU_BUNDLE", Path(__file__).resolve().parent / "bundle"))


def home_dir() -> Path:
    """Folder for what the program writes (database, index, logs).

    `YOUSU_HOME` if set; `var/` of a source checkout; otherwise `$XDG_STATE_HOME/yousu`.
    """
    if "YOUSU_HOME" in os.environ:
        return Path(os.environ["YOUSU_HOME"])
    if (_ROOT / "pyproject.toml").is_file():
        return _ROOT / "var"
    return Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local" / "state")) / "yousu"
