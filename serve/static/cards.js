// Drawing: from what the service says to what the operator sees; reads nothing and decides nothing.
import { $, badge, draw, el, sure } from "./dom.js";
import { said } from "./kb_words.js";

export const MODES = { direct: "直接派单", parallel: "并行派单", negotiate: "会商后派单", emergency: "紧急转接" };
export const VERDICTS = { accept: "已采纳", correct: "已改", unsure: "已标不确定" };
const LEVELS = ["一级", "二级", "三级", "四级", "五级"];
const hint = (words) => el("p", { class: "soft" }, words);

/** The sentence to read out, marked inside the answer. */
export function spoken(answer, highlight) {
  const at = highlight ? answer.indexOf(highlight) : -1;
  if (at < 0) return [answer];
  return [answer.slice(0, at), el("mark", {}, highlight), answer.slice(at + highlight.length)];
}

function validity(a) {
  if (a.effective_from && a.effective_to) return `${a.effective_from} 至 ${a.effective_to}`;
  if (a.effective_from) return `${a.effective_from} 起`;
  return a.effective_to ? `至 ${a.effective_to}` : "未注明期限";
}

/** An answer as it is read at the desk; the knowledge desk previews entries with it. */
export function answerNodes(a) {
  const fact = (name, words) => [el("dt", {}, name), el("dd", {}, words)];
  return [
    el("p", { class: "soft" }, a.question),
    el("p", { class: "read" }, ...spoken(a.answer, a.highlight)),
    ...a.warnings.map((w) => el("p", { class: "warning" }, w)),
    el("dl", { class: "facts" }, ...fact("依据", [a.basis || "未注明", said("verification", a.verification)].filter(Boolean).join(" · ")), ...fact("有效期", validity(a)), ...fact("部门", a.department || "未注明"), ...fact("条目", a.entry_id)),
  ];
}

export function drawAnswer(card, answers, decision, note) {
  const { answered, entries } = answers ?? { answered: false, entries: [] };
  const best = answered ? entries[0] : null;
  const [kind, words] = best ? sure(best.confidence) : ["low", ""];
  badge(card, "sure", kind, best ? words : answers && !note ? "没有答复" : "");
  verdict(card, decision);
  const data = best ? { ...best, confidence: 0 } : answers && { titles: entries.map((e) => e.question), note };
  draw($(".body", card), data, () => {
    if (best) return answerNodes(best);
    if (!answers) return [hint("说到政策问题时,这里给出可以照读的答复。")];
    if (note) return [hint(note)];
    const titles = entries.map((e) => el("li", {}, e.question));
    return [
      el("p", { class: "big" }, "知识库没有把握的答复"),
      hint("不要凭印象答复;可记录诉求后转办。"),
      ...(titles.length ? [hint("最接近的条目(不一定相关):"), el("ul", { class: "titles" }, ...titles)] : []),
    ];
  });
  return best;
}

/** What the five rows show: from the operator's choice if there is one, else from the proposal. */
export function categoryRows(category, decision) {
  const chosen = decision?.node;
  if (chosen) return LEVELS.map((_, i) => ({ name: chosen.names[i] ?? "", sure: "high", words: chosen.names[i] ? "已选" : "" }));
  return LEVELS.map((_, i) => {
    const name = category?.names[i] ?? "";
    const [kind, words] = category ? sure(category.probabilities[i] ?? 0) : ["low", ""];
    const safe = category && i < category.depth;
    return { name, sure: safe ? kind : "low", words: !name ? "" : safe ? (kind === "low" ? "较有把握" : words) : "没把握" };
  });
}

export function drawCategory(card, category, decision, on) {
  const body = $(".body", card);
  if (!$("#levels", body)) {
    const rows = LEVELS.map((name, i) => el("button", { type: "button", onclick: () => on.level(i) }, el("small", {}, name), el("b", {}), el("em", {})));
    body.replaceChildren(el("div", { id: "levels" }, ...rows), el("div", { class: "maybe" }), el("p", { class: "soft words" }));
  }
  const rows = categoryRows(category, decision);
  [...$("#levels", body).children].forEach((button, i) => {
    const row = rows[i];
    button.className = row.name && row.words === "没把握" ? "guess" : "";
    draw($("b", button), row.name, () => [row.name || "—"], button);
    $("em", button).textContent = row.words === "没把握" ? "? 没把握" : row.words;
    button.setAttribute("aria-label", `${LEVELS[i]} ${row.name || "未定"} ${row.words},点选可改`);
    button.disabled = !category && !decision?.node;
  });
  const trusted = !category ? "" : category.depth ? sure(Math.max(category.confidence, 0.6))[1] : "没把握";
  const kind = trusted === "很有把握" ? "high" : trusted === "没把握" ? "low" : "middle";
  badge(card, "sure", kind, decision?.node ? "" : trusted && category.depth ? `到第${"零一二三四五"[category.depth]}级${trusted}` : trusted);
  verdict(card, decision);
  const others = decision?.node || !category ? [] : category.alternatives.filter((a) => a.probability >= 0.02).slice(0, 3);
  draw($(".maybe", body), others.map((a) => a.code), () => others.length
    ? [el("span", { class: "soft" }, "也可能"), ...others.map((a) => el("button", { type: "button", title: a.code, onclick: () => on.alternative(a) }, a.name))]
    : [], null);
  const words = category?.words?.length ? `依据的话:${category.words.join("、")}` : category ? "" : "边听边记,分类随文字更新。";
  $(".words", body).textContent = words;
}

export function drawRoute(card, route, decision, open) {
  const targets = route?.targets ?? [];
  const leads = targets.filter((t) => t.role === "lead");
  const helpers = targets.filter((t) => t.role === "co");
  const [kind, words] = leads.length ? sure(Math.max(...leads.map((t) => t.probability))) : ["low", ""];
  badge(card, "sure", kind, decision?.unit ? "" : words);
  badge(card, "mode", "", targets.length ? MODES[route.mode] : "");
  verdict(card, decision);
  const chosen = decision?.unit;
  const lead = (t) => el("p", {}, el("span", { class: "big" }, t.path.at(-1)), el("br"), el("span", { class: "soft" }, t.path.length > 1 ? t.path.slice(0, -1).join(" › ") : "主办"));
  const data = { chosen, mode: route?.mode, targets: targets.map((t) => [t.path, t.role, t.evidence]), other: route?.alternatives?.map((t) => t.unit), excluded: route?.excluded };
  draw($(".body", card), route || chosen ? data : null, () => {
    if (!targets.length && !chosen) return [hint(route ? "还不能确定承办单位,先问上面那一句。" : "分类和地点明确后,这里给出主办与协办单位。")];
    const others = (route.alternatives ?? []).filter((t) => t.probability >= 0.05).slice(0, 3);
    const why = targets.flatMap((t) => t.evidence.map((e) => el("li", {}, `${t.unit}:${e.text}`)));
    why.push(...(route.excluded ?? []).map((x) => el("li", {}, `不派 ${x.unit}:${x.why}`)));
    return [
      el("p", { class: "soft" }, chosen ? "主办(坐席选定)" : leads.length > 1 ? "主办(并行)" : "主办"),
      ...(chosen ? [lead({ path: chosen.names })] : leads.map(lead)),
      helpers.length ? el("p", { class: "soft" }, "协办") : null,
      helpers.length ? el("ul", { class: "units" }, ...helpers.map((t) => el("li", {}, t.path.at(-1)))) : null,
      others.length && !chosen ? el("p", { class: "soft" }, `也可能主办:${others.map((t) => t.unit).join("、")}`) : null,
      why.length ? el("details", { open, class: "why" }, el("summary", {}, "为什么这样派"), el("ul", {}, ...why)) : null,
    ];
  });
}

function verdict(card, decision) {
  const kind = decision?.verdict ?? "";
  card.classList.remove("accept", "correct", "unsure");
  if (kind) card.classList.add(kind);
  badge(card, "verdict", kind, kind ? VERDICTS[kind] : "");
}

export function drawRisk(risks) {
  const active = risks.filter((r) => r.active).sort((a, b) => b.severity - a.severity);
  const past = risks.filter((r) => !r.active);
  document.body.classList.toggle("alarm", active.length > 0);
  $("#risk").hidden = !active.length;
  const lines = [...new Set(active.flatMap((r) => r.handover))];
  draw($("#lines"), active.length ? lines : null, () => lines.length ? ["立即转接", ...lines.map((n) => el("b", {}, n))] : ["紧急"], null);
  draw($("#orders"), active.length ? active.map((r) => [r.name, r.advice, r.do_not, r.why]) : null, () => active.length
    ? [
        el("p", { class: "name" }, `${active.map((r) => r.name).join("、")}(${active[0].why})`),
        el("p", { title: active.map((r) => r.advice).join(";") }, `告诉来电人:${active[0].advice}。${active[0].do_not ? `不要:${active[0].do_not}。` : ""}`),
      ]
    : [], null);
  $("#past").textContent = past.length ? `提到但不是现在:${past.map((r) => `${r.name}(${r.why})`).join(";")}` : "";
  $("#past").title = $("#past").textContent;
}

export function drawAsk(body, route) {
  const done = body?.answers?.answered ? "可以照读答复;还要办理再派单。" : "信息够了,可以派单。";
  const words = !body ? "您好,请问有什么可以帮您?" : body.note || route?.ask || done;
  draw($("#ask .say"), words, () => [words], $("#ask"));
  const more = body && !body.note ? (route?.questions ?? []).map((q) => q.text).filter((t) => t !== words).slice(0, 4) : [];
  draw($("#more"), more, () => more.map((t) => el("li", {}, `还可以问:${t}`)), null);
  const p = body?.places;
  const parts = p ? [p.district, p.street, p.community, p.road, p.landmark, p.house_number].filter(Boolean) : [];
  const maybe = p && !p.district && p.candidates?.length ? `(可能是 ${p.candidates.join("、")})` : "";
  $("#place").textContent = `地点:${parts.join(" ") || "还不知道"}${maybe}`;
}

export function drawTabs(requests, tab, choose) {
  const names = requests.map((r, i) => (requests.length > 1 ? `${i + 1} ${r.category?.names[Math.max(r.category.depth, 1) - 1] ?? "未定"}` : "1 件诉求"));
  draw($("#requests"), [names, tab], () => names.map((name, i) => el("button", { type: "button", role: "tab", "aria-selected": String(i === tab), title: requests[i].text, onclick: () => choose(i) }, name)), null);
}

export function drawSimilar(similar) {
  draw($("#similar ol"), similar.map((s) => [s.text, s.name, s.outcome]), () => similar.length
    ? similar.map((s) => el("li", {}, el("p", { title: s.text }, s.text), el("p", { class: "soft", title: [s.name, s.unit, s.outcome].filter(Boolean).join(" · ") }, s.outcome ? el("b", {}, `${s.outcome} · `) : "", s.name, s.unit ? ` · ${s.unit}` : "")))
    : [el("li", {}, hint("还没有"))], $("#similar"));
}
