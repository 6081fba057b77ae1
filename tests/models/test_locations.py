"""One settings file for every command: the environment wins, then the file, then the default; a bad file is told."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kb.desk import Desk
from models import locations
from serve.settings import Settings
from yousu import app


@pytest.fixture
def file(tmp_path: Path, monkeypatch) -> Path:
    for name in ("HOME", "DATABASE", "BUNDLE", "CATALOG", "DATA"):
        monkeypatch.delenv(f"YOUSU_{name}", raising=False)
    path = tmp_path / "yousu.toml"
    path.write_text(f'home = "{tmp_path}/h"\ndatabase = "sqlite:///{tmp_path}/other.db"\nbundle = "{tmp_path}/b"\n')
    monkeypatch.setenv("YOUSU_CONFIG", str(path))
    return path


def test_every_command_reads_the_same_file(file: Path, tmp_path: Path) -> None:
    settings = Settings()
    assert locations.home_dir() == settings.home == tmp_path / "h"
    assert locations.database_url() == settings.database_url == f"sqlite:///{tmp_path}/other.db"
    assert locations.bundle_dir() == settings.bundle_now == tmp_path / "b"


def test_the_desk_writes_where_the_file_says(file: Path, tmp_path: Path) -> None:
    store = Desk().store
    assert store.count() > 0
    store.close()
    assert (tmp_path / "other.db").is_file()
    assert not (tmp_path / "h" / "yousu.db").exists()


def test_the_environment_wins(file: Path, monkeypatch) -> None:
    monkeypatch.setenv("YOUSU_DATABASE", "sqlite:///elsewhere.db")
    assert locations.database_url() == Settings().database_url == "sqlite:///elsewhere.db"


def test_the_file_in_the_working_folder_needs_no_variable(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("YOUSU_CONFIG", raising=False)
    monkeypatch.delenv("YOUSU_DATABASE", raising=False)
    monkeypatch.setenv("YOUSU_HOME", str(tmp_path))
    (tmp_path / "yousu.toml").write_text('database = "sqlite:///x.db"\n')
    assert locations.database_url() == "sqlite:///x.db"
    (tmp_path / "yousu.toml").write_text("port = 1\n# changed while it runs\n")
    assert locations.database_url() == f"sqlite:///{tmp_path}/yousu.db"


def test_a_file_that_is_no_toml_is_told_without_a_traceback(file: Path) -> None:
    file.write_text("home = [")
    result = CliRunner().invoke(app, ["kb", "list"])
    assert result.exit_code == 1
    assert "yousu.toml" in result.output
    assert isinstance(result.exception, SystemExit)
