"""Where the shipped files and the working folder are; settings, not contents."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
CURRENT = "current"
"""File in the folder of bundles that names the promoted version."""


def data_dir() -> Path:
    """Folder with `catalog/`, `kb/` and `tickets/`; `YOUSU_DATA` replaces the shipped one."""
    return Path(os.environ.get("YOUSU_DATA", _ROOT / "data"))


def catalog_dir() -> Path:
    """Folder of the catalogue; `YOUSU_CATALOG` replaces the shipped one."""
    return Path(os.environ.get("YOUSU_CATALOG", data_dir() / "catalog"))


def shipped_bundle_dir() -> Path:
    """Folder of the bundle that ships with the program."""
    return Path(__file__).resolve().parent / "bundle"


def bundle_dir() -> Path:
    """Folder of the bundle in use: `YOUSU_BUNDLE`, else the promoted one in the home folder, else the shipped one."""
    if "YOUSU_BUNDLE" in os.environ:
        return Path(os.environ["YOUSU_BUNDLE"])
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

    `YOUSU_HOME` if set; `var/` of a source checkout; otherwise `$XDG_STATE_HOME/yousu`.
    """
    if "YOUSU_HOME" in os.environ:
        return Path(os.environ["YOUSU_HOME"])
    if (_ROOT / "pyproject.toml").is_file():
        return _ROOT / "var"
    return Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local" / "state")) / "yousu"
