"""Small measuring sets say how little they know: shares of danger and of request types stand with intervals."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from models.locations import bundle_dir
from training.card import write_card
from training.risk_check import _shares


def light_copy(folder: Path) -> Path:
    """Copy the records of the shipped bundle, without what weighs, and return its manifest."""
    shutil.copytree(bundle_dir(), folder, ignore=shutil.ignore_patterns("*.onnx", "*.safetensors", "*.txt"))
    return folder / "manifest.json"


def test_an_interval_of_danger_is_wide_for_few_calls_and_never_closed_at_one() -> None:
    few = _shares(np.ones(10, bool), np.ones(10, bool))
    assert few["recall"] == 1.0
    assert few["recall_ci"] == pytest.approx([0.7225, 1.0], abs=0.001)  # Wilson (1927): n / (n + z * z)
    many = _shares(np.arange(400) % 20 > 0, np.ones(400, bool))
    low, high = many["recall_ci"]
    assert low < many["recall"] == 0.95 < high
    assert high - low < 0.05
    assert many["false_alarms_ci"] == [0.0, 1.0], "no look-alikes were measured"


def test_the_card_tells_intervals_and_the_types_mistaken_most(tmp_path: Path) -> None:
    file = light_copy(tmp_path / "b")
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["metrics"]["request_type"] |= {
        "accuracy": 0.7, "accuracy_ci": [0.68, 0.72], "confusions": [{"wanted": "投诉", "said": "求助", "rows": 132}],
        "words_alone": {"accuracy": 0.65},
    }  # fmt: skip
    file.write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    card = write_card(file.parent)
    assert "accuracy 0.700 (95 %: 0.680 to 0.720)" in card
    assert "By the words alone, without the category, 0.650." in card
    assert "Most often 投诉 taken for 求助 132." in card


def test_a_record_without_intervals_is_still_told(tmp_path: Path) -> None:
    file = light_copy(tmp_path / "b")
    manifest = json.loads(file.read_text(encoding="utf-8"))
    for name in ("accuracy_ci", "confusions", "words_alone"):
        manifest["metrics"]["request_type"].pop(name, None)
    file.write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    assert "Request type, held out: accuracy" in write_card(tmp_path / "b")
