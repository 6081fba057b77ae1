"""Held-out tickets are replayed as the model saw them before it learned from them, never as it recites them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.training.conftest import MAPPING, SAYINGS, rows_of_sayings, write
from training.errors import TrainError
from training.heldout import read_heldout
from training.replay import compare


@pytest.fixture(scope="module")
def nonsense(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Tickets whose labels follow from nothing: who gets more than a third of them right has read the labels."""
    folder, rng = tmp_path_factory.mktemp("nonsense"), random.Random(5)
    rows = [{**r, "类别": rng.choice(list(SAYINGS))} for r in rows_of_sayings(90)]
    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    return write(folder / "t.csv", rows), folder / "mapping.toml"


@pytest.fixture
def trained(yousu, shared_home: Path, nonsense: tuple[Path, Path]):
    def train(*options: object) -> tuple[Path, Path]:
        table, mapping = nonsense
        result = yousu("train", table, "--mapping", mapping, "--quiet", *options)
        assert result.exit_code == 0, result.output
        version = next(line.split()[1] for line in result.output.splitlines() if line.startswith("模型包"))
        return shared_home / "bundles" / version, shared_home / "training" / "runs" / version

    return train


def test_a_bundle_fitted_on_everything_is_judged_by_what_it_said_before(trained, shared_home: Path) -> None:
    bundle, run = trained()
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    measured = report["classification"]["levels"][0]["accuracy"]
    assert report["refitted"]
    assert measured < 0.7
    c = compare(bundle, bundle, run / "replay.csv", shared_home / "training" / "embeddings", champion_run=run)
    assert c.level1 == pytest.approx((measured, measured), abs=1e-4)
    assert c.learned == 0


def test_tickets_that_the_champion_learned_from_are_left_out_and_told(trained, shared_home: Path, yousu) -> None:
    champion, champion_run = trained()
    challenger, run = trained("--split", "random", "--seed", "3")
    held = read_heldout(run / "replay.csv").texts
    both = set(held) & set(read_heldout(champion_run / "replay.csv").texts)
    assert 0 < len(both) < len(held)
    said = yousu("bundle", "compare", challenger.name, champion.name)
    assert said.exit_code == 0, said.output
    assert f"另有 {len(held) - len(both)} 件现用的模型包学过" in said.output
    assert f"重放 {len(both)} 件" in said.output


def test_without_what_was_said_before_a_refitted_bundle_is_not_compared(trained, tmp_path: Path) -> None:
    bundle, run = trained()
    lines = (run / "replay.csv").read_text(encoding="utf-8").splitlines()
    bare = [",".join(line.split(",")[:6]) for line in lines]
    (tmp_path / "replay.csv").write_text("\n".join(bare) + "\n", encoding="utf-8")
    with pytest.raises(TrainError, match="请重新训练"):
        compare(bundle, bundle, tmp_path / "replay.csv", tmp_path / "cache")
