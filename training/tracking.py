"""MLflow tracking of a training when MLFLOW_TRACKING_URI is set; without it nothing happens and nothing is needed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from training.errors import TrainError

URI = "MLFLOW_TRACKING_URI"


def track(bundle: Path, report: dict[str, Any]) -> bool:
    """Log parameters, measures and the report of a training; return whether it was logged.

    Texts of tickets are not sent: only the numbers of the report and the bundle's manifest. Raises TrainError
    when a URI is set but mlflow is missing or does not take the run; the bundle is written by then and stays.
    """
    if not os.environ.get(URI):
        return False
    try:
        import mlflow
    except ImportError as error:
        raise TrainError(f"设了 {URI},但没有装 mlflow:pip install 'yousu[tracking]';模型包已写好") from error
    try:
        mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "yousu"))
        with mlflow.start_run(run_name=bundle.name):
            mlflow.set_tags({"bundle": bundle.name, "source": report["source"], "encoder": report["encoder"]})
            mlflow.log_params(_parameters(report))
            mlflow.log_metrics(_metrics(report))
            mlflow.log_text(json.dumps(_without_texts(report), ensure_ascii=False, indent=1), "report.json")
            mlflow.log_artifact(str(bundle / "manifest.json"))
    except Exception as error:  # whatever the tracking server or its client raises
        raise TrainError(f"MLflow({os.environ[URI]})没有收下这次训练:{error};模型包已写好") from error
    return True


def _parameters(report: dict[str, Any]) -> dict[str, Any]:
    data = report["data"]
    chosen = (report["search"] or {}).get("parameters", {})
    kept = {k: data[k] for k in ("used", "trained", "held_out", "split_by", "from", "to")}
    return {"taxonomy": report["taxonomy"], **kept, **{f"head_{k}": v for k, v in chosen.items()}}


def _metrics(report: dict[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for i, level in enumerate(report["classification"]["levels"], start=1):
        found |= {f"level{i}_{k}": float(level[k]) for k in ("accuracy", "macro_f1", "ece") if k in level}
    found["leaf_top3"] = float(report["classification"]["leaf_top3"])
    for name in ("first_dispatch", "top3"):
        if report["routing"]:
            found[f"routing_{name}"] = float(report["routing"][name])
    chosen = report["simulator"]["chosen"]
    found |= {f"dispatch_{k}": float(chosen[k]) for k in ("threshold", "automatic", "accuracy")}
    return found | {f"seconds_{k}": float(v) for k, v in report["seconds"].items()}


def _without_texts(report: dict[str, Any]) -> dict[str, Any]:
    """Leave out what holds words of callers: examples of confusions and suspicious tickets."""
    confusions = [{k: v for k, v in c.items() if k != "examples"} for c in report["confusions"]]
    kept = {k: v for k, v in report.items() if k not in {"suspects", "faults", "outcomes", "profile"}}
    return {**kept, "confusions": confusions}
