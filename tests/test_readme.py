"""The README's commands run as they stand, and both languages show the same ones."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def commands(file: str) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / file).read_text(encoding="utf-8"), re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("command", commands("README.md"))
def test_a_command_of_the_readme_runs(command: str, service: str, tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("text\n路灯不亮\n", encoding="utf-8")
    (tmp_path / "questions.csv").write_text("question\n试用期最长多久\n", encoding="utf-8")
    (tmp_path / "data").symlink_to(ROOT / "data")
    words = shlex.split(command.replace("http://127.0.0.1:8345", service))
    if words[0] == "yousu":
        words = [sys.executable, "-m", "yousu", *words[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if words[0] == "curl":
        assert json.loads(done.stdout)["route"]["mode"] == "emergency"


def test_both_languages_show_the_same_commands() -> None:
    english = [c for c in commands("README.md") if c.startswith("yousu")]
    assert english == [c for c in commands("README.zh-CN.md") if c.startswith("yousu")]


def test_help_answers_quickly_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; import yousu; print(sorted({'torch','sklearn','pandas','onnxruntime','faiss'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
