"""The documents say what the program does: references are those of the code, links lead somewhere, commands exist."""

import os
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import yousu
from serve.api.schemas import AssistOut, Call
from serve.app import ROUTERS
from serve.permissions import _ROUTES
from serve.settings import Settings
from tests.conftest import ROOT

PAGES = sorted(
    [*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    + [ROOT / room / "README.md" for room in ("bench", "data", "data/catalog", "deploy", "notebooks", "tests")]
)
CHEAP = ("mask", "catalog", "key list", "kb list", "kb show", "kb history", "bundle list", "settings", "audit")
"""Beginnings of commands that load no encoder and change nothing."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def shown(page: Path) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ yousu")]


def mentioned(page: Path) -> list[str]:
    """Commands in blocks for a shell; placeholders in them are not files."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    return [line for block in blocks for line in block.splitlines() if line.startswith("yousu ")]


EVERY = sorted({(name(page), line) for page in PAGES for line in (*shown(page), *mentioned(page))})
RUN = sorted({line for page in PAGES for line in shown(page) if line.removeprefix("yousu ").startswith(CHEAP)})


def parse(line: str) -> Any:
    """Return the context of a command line; raises click's own error for a command or option that is not there."""
    _, *words = shlex.split(line, comments=True)
    command, path = get_command(yousu.app), "yousu"
    while hasattr(command, "commands"):
        word = words[0] if words else ""
        if word not in command.commands and path == "yousu train":
            word, words = "run", ["run", *words]
        assert word in command.commands, f"{path} {word}: no such command"
        command, path, words = command.commands[word], f"{path} {word}", words[1:]
    return command.make_context(path, words)


def test_the_references_are_those_of_the_code() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), f"{name(page)}: {target}"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
            assert anchor in {h.lower().replace(" ", "-") for h in heads}, f"{name(page)}: {target}"


@pytest.mark.parametrize(("page", "line"), EVERY)
def test_a_command_of_the_documents_exists_with_its_options(page: str, line: str) -> None:
    parse(line)


def test_an_option_that_does_not_exist_is_noticed() -> None:
    for wrong in ("yousu ask --loud x", "yousu kb burn", "yousu train t.csv --colour red"):
        with pytest.raises(Exception, match=r"no such command|No such option|loud|colour") as told:
            parse(wrong)
        assert type(told.value).__name__ in {"NoSuchOption", "AssertionError"}


@pytest.mark.parametrize("line", RUN)
def test_a_cheap_command_of_the_documents_runs(line: str, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "calls.csv").write_text("text\n路灯不亮\n", encoding="utf-8")
    words = [sys.executable, "-m", "yousu", *shlex.split(line)[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "YOUSU_HOME": str(tmp_path / "home")}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


def test_every_variable_in_the_documents_is_a_setting() -> None:
    known = {f"YOUSU_{field.upper()}" for field in Settings.model_fields} | {"YOUSU_CONFIG"}
    for page in PAGES:
        found = set(re.findall(r"YOUSU_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8")))
        assert found <= known, f"{name(page)}: {found - known}"


def test_every_path_of_the_interface_is_described() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    paths = {(m, r.path) for router in ROUTERS for r in router.routes for m in r.methods}
    listed = {
        (m, p) for m, p, _ in _ROUTES if "*" not in p and p.startswith(("/v1", "/healthz", "/readyz", "/metrics"))
    }
    for method, path in sorted((paths | listed) - {("GET", "/docs")}):
        assert f"`{method} {path}`" in text, f"{method} {path}"


def test_every_module_has_its_place_in_the_map_of_the_house() -> None:
    named = re.findall(r"`([\w*]+)`", (ROOT / "docs" / "developers.md").read_text(encoding="utf-8"))
    for room in ("kb", "models", "training", "training/encoder", "serve", "serve/api", "serve/insight"):
        for file in (ROOT / room).glob("[!_]*.py"):
            assert any(fnmatch(file.stem, n) for n in named), f"{room}/{file.name}: not in docs/developers.md"


def test_what_goes_in_and_out_of_an_assist_is_described_field_by_field() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for field in (*Call.model_fields, *AssistOut.model_fields):
        assert f"| `{field}` |" in text, field


def test_make_targets_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for page in PAGES:
        assert set(re.findall(r"\bmake ([a-z-]+)\b(?=[`\s])", page.read_text(encoding="utf-8"))) <= targets, name(page)
