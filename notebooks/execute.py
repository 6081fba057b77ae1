"""Runs the notebooks with fresh outputs; `make notebooks` stores them, the tests only look whether every cell runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PATIENCE = 300
"""Seconds that a cell may take."""


def execute(file: Path, home: Path) -> Any:
    """Return the notebook of `file` with the outputs of a run over the working folder `home`.

    Raises nbclient's CellExecutionError for a cell that fails. Nothing that differs between two runs on one machine is
    kept: no times, no numbering of a second run.
    """
    import nbformat
    from nbclient import NotebookClient

    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    before = dict(os.environ)
    os.environ |= {"YOUSU_HOME": str(home), "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "2"}
    try:
        book = nbformat.read(file, as_version=4)
        client = NotebookClient(
            book, timeout=PATIENCE, kernel_name="python3", record_timing=False,
            resources={"metadata": {"path": str(HERE)}},
        )  # fmt: skip
        client.execute()
    finally:
        os.environ.clear()
        os.environ |= before
    book.metadata = nbformat.NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    return book


def main() -> None:
    """Run every notebook, or those named, and store their outputs."""
    import tempfile

    import nbformat

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*")
    chosen = parser.parse_args().files or sorted(HERE.glob("*.ipynb"))
    with tempfile.TemporaryDirectory() as home:
        for file in chosen:
            text = nbformat.writes(execute(file, Path(home)))
            temporary = file.with_name(f".{file.name}.tmp")
            temporary.write_text(text + "\n", encoding="utf-8")
            temporary.replace(file)
            print(f"{file.name}: done", file=sys.stderr)


if __name__ == "__main__":
    main()
