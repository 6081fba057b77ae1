"""MLflow tracking: nothing without a URI, numbers and no words of callers with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from training.tracking import track

REPORT: dict[str, Any] = {
    "source": "tickets.csv", "encoder": "e", "taxonomy": "labels", "seconds": {"fit": 1.5}, "routing": None,
    "search": {"parameters": {"penalty": 0.2}},
    "data": {"used": 90, "trained": 70, "held_out": 20, "split_by": "time", "from": "2026-01-01", "to": "2026-06-30"},
    "classification": {"levels": [{"accuracy": 0.9, "macro_f1": 0.8, "ece": 0.03, "classes": 3}], "leaf_top3": 1.0},
    "simulator": {"chosen": {"threshold": 0.7, "automatic": 0.5, "accuracy": 0.98}},
    "confusions": [{"wanted": "供热", "said": "路灯", "rows": 2, "examples": ["我家暖气不热"]}],
    "suspects": [{"key": "T1", "text": "我家暖气不热"}], "faults": [], "profile": {},
}  # fmt: skip


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "abc123"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    return folder


def test_without_a_uri_nothing_is_logged(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert not track(bundle, REPORT)


def test_a_run_holds_parameters_and_measures_and_no_words_of_callers(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason="needs the extra tracking")
    from mlflow import MlflowClient

    uri = (tmp_path / "runs").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    assert track(bundle, REPORT)
    client = MlflowClient(uri)
    (experiment,) = [e for e in client.search_experiments() if e.name == "yousu"]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics["level1_accuracy"] == 0.9
    assert run.data.params["head_penalty"] == "0.2"
    assert run.data.tags["bundle"] == "abc123"
    written = "".join(f.read_text(encoding="utf-8") for f in (tmp_path / "runs").rglob("*") if f.is_file())
    assert "供热" in written
    assert "我家暖气不热" not in written
