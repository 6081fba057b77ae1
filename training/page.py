"""The report as one HTML page that opens offline: first the screen for a department head, then every detail."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from training.laps import STEPS
from training.simulate import ENOUGH, usable

_STYLE = """
body{font-family:"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif;margin:0;background:#f4f6f8;color:#1d2733}
main{max-width:1080px;margin:0 auto;padding:24px}h1{font-size:26px;margin:8px 0}h2{font-size:19px;margin:36px 0 8px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:14px;margin:18px 0}
.card{background:#fff;border-radius:8px;padding:16px;border:1px solid #dfe5ec}.card b{display:block;font-size:34px}
.card span{color:#55636f;font-size:14px}.say{background:#fff;border-left:4px solid #1b6ca8;padding:6px 18px;line-height:1.8;font-size:17px}.say p{margin:8px 0}
table{border-collapse:collapse;width:100%;background:#fff;font-size:14px}td,th{border:1px solid #dfe5ec;padding:6px 9px;
text-align:left;vertical-align:top}td:nth-child(-n+3){min-width:5em}th{background:#eaf0f6}td.n{text-align:right}.chart{background:#fff;margin:10px 0}
small{color:#55636f}details{margin:6px 0}
"""
_MANY_LEFT_OUT = 0.1
"""Share of rows set aside above which the first screen says so."""
_NUMBER = re.compile(r"[-+]?[\d.,]+%?")


def render(r: dict[str, Any]) -> str:
    """Return the page for a report of `training.report.build_report`."""
    parts = [
        _first_screen(r),
        "<h2>自动派单模拟</h2>", _simulator(r),
        f"<h2>各{_what(r)}</h2>", _class_table(r["classes"]),
        "<h2>把握与实际是否相符</h2>", _reliability(r),
        "<h2>最常混淆的类别</h2>", _confusion_table(r["confusions"]),
        "<h2>分组看准确率</h2>", _table(("分组", "工单数", "一级准确率"), [
            (s["name"], s["rows"], f"{s['accuracy']:.1%}") for s in r["slices"]
        ]),
        "<h2>再多的工单还有用吗</h2>", _curve(r["learning_curve"]),
        "<h2>数据</h2>", _data(r), _drift(r), _faults(r), _made(r),
        "<h2>可疑标签(前 30 条,全部见 suspects.xlsx)</h2>", _table(
            ("工单", "现有标签", "模型认为", "可疑程度", "文字"),
            [(s["key"], s["given"], s["believed"], f"{s['doubt']:.2f}", s["text"][:80]) for s in r["suspects"][:30]],
        ),
    ]  # fmt: skip
    if r["leaf_classes"]:
        parts += ["<h2>各末级类别</h2><details><summary>展开</summary>", _class_table(r["leaf_classes"]), "</details>"]
    script = f"<script>{_plotly_script()}</script>"
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>训练报告 {_e(r.get("version", ""))}</title>'
        f"<style>{_STYLE}</style>{script}</head><body><main>{''.join(parts)}</main></body></html>"
    )


def _first_screen(r: dict[str, Any]) -> str:
    level = r["classification"]["levels"]
    chosen, routing, rows = r["simulator"]["chosen"], r["routing"], r["classification"]["rows"]
    what = _what(r)
    cards = [
        (
            f"{level[0]['accuracy']:.0%}",
            f"{what}判对的比例(误差约 ±{100 * _margin(level[0]['accuracy'], rows):.0f} 个百分点)",
        )
    ]
    if len(level) > 1:
        cards.append((f"{level[-1]['accuracy']:.0%}", f"最细一级({level[-1]['classes']} 类)判对的比例"))
    cards.append((f"{r['classification']['leaf_top3']:.0%}", "前三个候选里有正确答案的比例"))
    if routing:
        cards.append((f"{routing['first_dispatch']:.0%}", f"首次派对单位的比例(人工 {routing['by_hand']:.0%})"))
    if usable(chosen):
        cards.append((f"{chosen['automatic']:.0%}", f"可以自动派出的工单;其中判对 {chosen['accuracy']:.1%}"))
    boxes = "".join(f'<div class="card"><b>{_e(a)}</b><span>{_e(b)}</span></div>' for a, b in cards)
    said = "".join(f"<p>{_e(line)}</p>" for line in _said(r))
    return (
        f"<h1>训练报告</h1><small>模型包 {_e(r.get('version', ''))} · 数据 {_e(r['source'])}</small>"
        f'<div class="cards">{boxes}</div><div class="say">{said}</div>'
    )


def _said(r: dict[str, Any]) -> list[str]:
    """The report in a few sentences, for a department head."""
    level, data, chosen = r["classification"]["levels"], r["data"], r["simulator"]["chosen"]
    first, base, what = level[0]["accuracy"], r["baseline"], _what(r)
    lines = [
        f"每 100 件里,{what}判对约 {100 * first:.0f} 件(若一律猜最常见的“{base['name']}”,只对 {100 * base['accuracy']:.0f} 件)。"
        + (f"工单自 {data['from']} 至 {data['to']}:" if data["from"] else "")
        + f"用{'较早' if data['split_by'] == 'time' else '其中'}的 {data['trained']} 件训练,在"
        f"{'最新的' if data['split_by'] == 'time' else '随机留出的'} {data['held_out']} 件没有参与训练的工单上检验。"
    ]
    unused = sum(data["left_out"].values())
    if unused > _MANY_LEFT_OUT * data["read"]:
        why = "、".join(f"{n} 行{reason}" for reason, n in data["left_out"].items())
        lines.append(f"读入的 {data['read']} 行里有 {unused} 行没有用上({why}),上面的比例说的只是用上的。")
    if usable(chosen):
        lines.append(
            f"建议:把握在 {chosen['threshold']:.0%} 以上的可以试行自动派单,每 1000 件约 {1000 * chosen['automatic']:.0f} 件"
            f"不必人工判断,其中约 {chosen['wrong_per_1000']:.0f} 件会派错;其余作为提示,由人定。"
        )
    else:
        lines.append("建议:暂不自动派单,只作提示,由人定。" + (
            f"(够把握的检验工单只有 {chosen['tickets']} 件,说明不了问题。)" if chosen["tickets"] < ENOUGH else
            "(不论门槛定在哪里,派错的代价都大于省下的人工。)"
        ))  # fmt: skip
    weak = [c for c in r["classes"] if c["support"] >= 5 and c["recall"] < 0.7]
    if weak:
        weak.sort(key=lambda c: -c["support"] * (1 - c["recall"]))  # where most tickets go astray
        names = "、".join(f"{c['name']}(100 件里找出 {100 * c['recall']:.0f} 件)" for c in weak[:3])
        more = f" 等 {len(weak)} 个" if len(weak) > 3 else ""
        lines.append(f"还不可靠、需人工把关的{'单位' if r['target'] == 'unit' else '类别'}:{names}{more}。")
    found = len(r["suspects"])
    lines.append(f"另有 {found} 件工单的标签可疑,建议复核(见文末)。" if found else "没有发现可疑标签。")
    if r.get("drift"):
        psi = r["drift"]["psi"]
        word = "变化明显,请留意" if psi > 0.25 else "有些变化" if psi > 0.1 else "基本稳定"
        lines.append(f"与上次训练的数据相比,类别构成{word}。")
    return lines


def _what(r: dict[str, Any]) -> str:
    """What the broadest label is called."""
    if r["target"] == "unit":
        return "承办单位"
    return "一级类别" if len(r["classification"]["levels"]) > 1 else "类别"


def _margin(share: float, rows: int) -> float:
    """Half of the 95 % interval of a share."""
    return 1.96 * float((share * (1 - share) / max(1, rows)) ** 0.5)


def _simulator(r: dict[str, Any]) -> str:
    points, costs = r["simulator"]["points"], r["simulator"]["costs"]
    x = [p["threshold"] for p in points]
    chart = _chart(
        "sim",
        [
            _line(x, [p["automatic"] for p in points], "自动派出的比例"),
            _line(x, [p["accuracy"] for p in points], "其中判对的比例"),
        ],
        "把握的门槛",
        "比例",
    )
    point = r["simulator"]["chosen"]
    chosen = f"选定门槛 {point['threshold']:.2f}。" if usable(point) else "没有选定门槛。"
    note = (
        f"<p>假设:派错一次抵消 {costs['wrong_cost']:g} 次派对;派错耽误 {costs['transfer_days']:g} 天,人工派单等"
        f" {costs['manual_days']:g} 天。{chosen}"
        + (
            ""
            if r["simulator"]["outcomes_known"]
            else "数据里没有首派与最终单位,不知道现在有多少转办,所以不算转办与天数。"
        )
        + "</p>"
    )
    names = {
        "threshold": ("门槛", ".2f"), "automatic": ("自动派出", ".1%"), "accuracy": ("判对", ".1%"),
        "wrong_per_1000": ("每千件派错", ".1f"), "transfers": ("每千件转办(预计)", ".1f"),
        "transfers_now": ("每千件转办(现在)", ".1f"), "days_saved": ("每千件省下天数", ".1f"),
    }  # fmt: skip
    shown = list(names) if r["simulator"]["outcomes_known"] else list(names)[:4]
    rows = [[format(p[k], names[k][1]) for k in shown] for p in points[::3]]
    return chart + note + _table([names[k][0] for k in shown], rows)


def _reliability(r: dict[str, Any]) -> str:
    lines = [_line([0, 1], [0, 1], "完全相符", "dot")]
    lines += [
        _line([b["confidence"] for b in bins], [b["accuracy"] for b in bins], f"第 {level} 级")
        for level, bins in r["reliability"].items()
    ]
    return _chart("rel", lines, "模型说的把握", "实际判对的比例")


def _curve(curve: Sequence[dict[str, float]]) -> str:
    line = _line([c["rows"] for c in curve], [c["accuracy"] for c in curve], "一级准确率(快速模型)")
    return _chart("curve", [line], "训练工单数", "一级准确率", shares=False)


def _class_table(rows: Sequence[dict[str, Any]]) -> str:
    return _table(
        ("名称", "检验工单", "该给它的找出多少", "给了它的对多少", "F1"),
        [(c["name"], c["support"], f"{c['recall']:.1%}", f"{c['precision']:.1%}", f"{c['f1']:.3f}") for c in rows],
    )


def _confusion_table(rows: Sequence[dict[str, Any]]) -> str:
    return _table(
        ("应为", "判成", "件数", "例子"), [(c["wanted"], c["said"], c["rows"], " ‖ ".join(c["examples"])) for c in rows]
    )


def _data(r: dict[str, Any]) -> str:
    d = r["data"]
    rows = [
        ("读入", d["read"]), ("可用", d["used"]), ("训练", d["trained"]), ("检验", d["held_out"]),
        ("检验时段内抽样之外、没有用到的", d["unmeasured"]), ("向量由用词估计的训练工单", d["estimated"]),
        ("重复或重复来电", d["repeats"]), ("人工更正过的标签", d["corrected"]), ("最终单位与首派不同", d["final_unit_differs"]),
        *((f"略过:{k}", n) for k, n in d["left_out"].items()),
        *((f"目录里没有的标签:{u['label']}(相近:{'、'.join(u['near']) or '无'})", u["rows"]) for u in r["unknown_labels"]),
        *((f"用时:{STEPS.get(k, k)}(秒)", n) for k, n in r["seconds"].items()),
        ("用时:合计(秒)", r["cost"]["wall_s"]), ("其中处理器时间(秒)", r["cost"]["cpu_s"]),
        ("内存最多(MB)", r["cost"]["peak_mb"]),
    ]  # fmt: skip
    return _table(("项", "数"), rows)


def _drift(r: dict[str, Any]) -> str:
    """What changed since the data of the last bundle, the largest change first."""
    if not r.get("drift"):
        return "<h2>与上次训练的数据相比</h2><p>起步的模型包没有记下训练数据的构成,或用的是另一套分类,这次无从比较;下次训练起就有了。</p>"
    d = r["drift"]
    near = d["centre_cosine"]
    note = (
        f"<p>类别构成的稳定性指数 PSI {d['psi']:.3f}(0.1 以下算稳定,0.25 以上算明显变化)"
        + (f";文字的总体意思与上次的相似度 {near:.3f}(1 为不变)" if near is not None else "")
        + "。变化最大的类别:</p>"
    )
    rows = [(name, f"{now:.1%}", f"{before:.1%}", f"{now - before:+.1%}") for name, now, before in d["moved"]]
    return "<h2>与上次训练的数据相比</h2>" + note + _table(("一级类别", "这次占比", "上次占比", "变化"), rows)


def _faults(r: dict[str, Any]) -> str:
    """Rows that were set aside, by column and reason, with the first of each."""
    if not r["faults"]:
        return ""
    where: dict[tuple[str, str], list[str]] = {}
    for f in r["faults"]:
        where.setdefault((f["column"], f["what"]), []).append(str(f["row"]))
    rows = [(column, what, "、".join(at[:8]) + (" 等" if len(at) > 8 else "")) for (column, what), at in where.items()]
    return "<h2>略过的行</h2>" + _table(("列", "原因", "在第几行"), rows[:30])


def _made(r: dict[str, Any]) -> str:
    """Feedback, search and adaptation, where there were any."""
    parts = []
    if f := r.get("feedback"):
        same, alpha = f["agreement"]["same"], f["agreement"]["alpha"]
        rows = [
            ("有定论的来电(改正 / 采纳)", f"{f['calls']}({f['corrected']} / {f['accepted']})"),
            ("有争议、未用", str(f["disputed"])),
            ("改动了表里标签的", str(f.get("relabelled", 0))),
            ("表里没有、新加入训练的", str(f.get("added", 0) - f["like_held_out"])),
            ("与检验工单相同或相近、未用", str(f["like_held_out"])),
            ("坐席之间意见相同(扣除巧合后)", "没有两人以上看过的" if same is None else f"{same:.1%}({alpha:.2f})"),
            *((f"未用:{why}", str(n)) for why, n in f["unusable"].items()),
            *_routes(f.get("routes")),
        ]
        parts.append("<h2>坐席反馈</h2>" + _table(("项", "数"), rows))
    if s := r.get("search"):
        chosen = "、".join(f"{k} {v:g}" for k, v in s["parameters"].items()) or "默认"
        parts.append(
            f"<h2>超参数</h2><p>试了 {s['tried']} 组,在训练部分内部的 {s['measured_on']} 件上由 {s['first']:.1%} 到"
            f" {s['best']:.1%};选用:{_e(chosen)}。</p>"
        )
    if t := r.get("finetune"):
        parity = t["parity"]
        parts.append(
            f"<h2>编码器微调</h2><p>{t['steps']} 步,损失 {t['loss'][0]:g} → {t['loss'][1]:g};导出与原模型的余弦最小"
            f" {parity['cosine_min']:.4f},平均 {parity['cosine_mean']:.4f}({parity['texts']} 条未参与训练的文字)。</p>"
        )
    return "".join(parts)


def _routes(routes: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What operators said about units, and what became of it."""
    if not routes:
        return []
    same, done = routes["agreement"]["same"], routes["done"]
    names = {
        "used": "记入单位历史的", "already_recorded": "工单已有最终单位、以它为准的", "held_out": "属于检验工单、未用的",
        "without_category": "不知道分类、未用的", "several_units": "几家并行、由职责决定、未用的",
    }  # fmt: skip
    return [
        ("派单:有定论的来电(改正 / 采纳)", f"{routes['calls']}({routes['corrected']} / {routes['accepted']})"),
        *((f"派单:{names[key]}", str(n)) for key, n in done.items()),
        ("派单:有争议、未用", str(routes["disputed"])),
        ("派单:坐席之间意见相同", "没有两人以上看过的" if same is None else f"{same:.1%}"),
        *((f"派单未用:{why}", str(n)) for why, n in routes["unusable"].items()),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "<p>无</p>"
    top = "".join(f"<th>{_e(h)}</th>" for h in head)
    body = "".join(
        "<tr>" + "".join(f"<td{' class=n' if _NUMBER.fullmatch(str(c)) else ''}>{_e(c)}</td>" for c in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"


def _line(x: Sequence[float], y: Sequence[float], name: str, dash: str = "solid") -> dict[str, Any]:
    return {"x": list(x), "y": list(y), "name": name, "dash": dash}


def _chart(name: str, lines: Sequence[dict[str, Any]], x_title: str, y_title: str, *, shares: bool = True) -> str:
    """A chart of shares over shares, or over counts."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for one in lines:
        figure.add_scatter(x=one["x"], y=one["y"], name=one["name"], mode="lines+markers", line={"dash": one["dash"]})
    figure.update_layout(
        height=360, margin={"l": 60, "r": 20, "t": 20, "b": 50}, template="plotly_white", xaxis_title=x_title,
        yaxis_title=y_title, yaxis_tickformat=".0%", xaxis_tickformat=".0%" if shares else ",d",
    )  # fmt: skip
    config = {"displaylogo": False, "responsive": True}
    return f'<div class="chart">{figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=config)}</div>'


def _plotly_script() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def _e(value: object) -> str:
    return html.escape(str(value))
