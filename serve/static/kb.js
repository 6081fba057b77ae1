// The knowledge desk: find an entry, edit it beside its preview, move it through review, compare and restore versions.
import { get, latest, post, put } from "./api.js";
import { answerNodes } from "./cards.js";
import { dayField } from "./dates.js";
import { $, el, settled, sure } from "./dom.js";
import { hits } from "./kb_hits.js";
import { importing } from "./kb_import.js";
import { health, take, unanswered } from "./kb_lists.js";
import { drawVersions } from "./kb_versions.js";
import { choices, said, stored } from "./kb_words.js";

const FIELDS = [
  ["question", "题目", "full"], ["answer", "答复(坐席照读)", "full text"], ["basis", "依据(文号、条款)", "full"],
  ["aliases", "别的问法(用 ; 隔开)", "full"], ["department", "部门"], ["category", "分类代码"], ["region", "只适用的区县(空 = 全市)"],
  ["keywords", "关键词(用 ; 隔开)"], ["effective_from", "生效日", "date"], ["effective_to", "失效日", "date"],
  ["verified_at", "核定日", "date"], ["verification", "核定方式"], ["source", "来源", "full"],
];
const NAMES = Object.fromEntries([...FIELDS, ["status", "状态"], ["reviewer", "审核人"], ["id", "编号"]].map(([k, n]) => [k, n.replace(/\(.*/, "")]));
const BADGES = { draft: "unsure", review: "correct", published: "accept", retired: "" };
const ACTIONS = { draft: [["submit", "送审"], ["retire", "停用"]], review: [["publish", "发布"], ["return", "退回"]], published: [["retire", "停用"]], retired: [["reopen", "重开"]] };

let open = null;
let cursor = "";
let timer = 0;
let view = "entries";
let answering = null;
let writing = false;
let intent = 0;
let clean = "";

function say(words, bad = false) {
  $("#message").textContent = words;
  $("#message").classList.toggle("bad", bad);
}

const told = (problem) => say(problem.message, true);

const list = latest(async (still, more = false) => {
  if (view === "unanswered" || view === "health") {
    const draw = await (view === "health" ? health(desk) : unanswered(desk));
    await settled();
    if (!still()) return;
    draw();
    $("#more").hidden = true;
    return;
  }
  const query = { q: $("#q").value.trim(), status: view === "review" ? "review" : $("#status").value, limit: 60, cursor: more ? cursor : "" };
  const found = await get(`v1/entries?${new URLSearchParams(query)}`);
  await settled();
  if (!still()) return;
  cursor = found.next ?? "";
  const rows = found.items.map(({ entry }) => el("li", {}, el("button", { type: "button", "data-id": entry.id, "aria-current": String(entry.id === open?.entry.id), onclick: () => load(entry.id) },
    el("span", {}, entry.question), el("span", { class: `badge ${BADGES[entry.status]}` }, said("status", entry.status)), el("small", {}, `${entry.id} · ${entry.department || "未注明部门"}`))));
  if (more) $("#list").append(...rows); else $("#list").replaceChildren(...rows);
  $("#count").textContent = `共 ${found.count} 条`;
  $("#more").hidden = !cursor;
}, told);

/** Leave the open entry for another; returns a number that stays `intent` until one leaves again, 0 to stay. */
function leave() {
  const typed = open && JSON.stringify(content()) !== clean;
  return typed && !window.confirm("有未保存的改动,放弃吗?") ? 0 : ++intent;
}

const load = latest(async (still, id) => {
  const mine = leave();
  if (!mine) return;
  say("");
  const held = await get(`v1/entries/${encodeURIComponent(id)}`);
  if (mine !== intent) return; // another one was opened or begun meanwhile
  answering = null;
  show(held);
  await versions();
}, told);

function show(held) {
  open = held;
  const { entry } = held;
  const fresh = held.revision === 0;
  $("#title").textContent = fresh ? "新条目" : `${entry.id} · ${entry.question}`;
  const words = said("status", entry.status);
  $("#state").className = `badge ${BADGES[entry.status]}`;
  $("#state").textContent = held.live && entry.status !== "published" ? `${words}(旧版仍在答)` : words;
  const fields = fresh ? [["id", "编号"], ...FIELDS] : FIELDS;
  $("#form").replaceChildren(...fields.map(([key, label, how = ""]) => {
    const input = how.includes("text") ? el("textarea", { name: key, value: entry[key] ?? "" }) : el("input", { name: key, type: "text", value: said(key, entry[key]) });
    if (choices(key).length) input.setAttribute("list", `${key}-words`);
    if (how === "date") dayField(input, (words) => say(`${label}:${words}`, true));
    return el("label", { class: how.includes("full") ? "full" : "" }, label, input, ...(choices(key).length ? [el("datalist", { id: `${key}-words` }, ...choices(key).map((value) => el("option", { value })))] : []));
  }));
  const why = el("input", { id: "why", "aria-label": "原因", placeholder: "这次改动的原因", maxLength: 1000 });
  const steps = fresh ? [] : ACTIONS[entry.status].map(([action, name]) => el("button", { type: "button", onclick: () => move(action, name) }, name));
  $("#actions").replaceChildren(why, el("button", { type: "button", class: "main", onclick: save }, "存为草稿"), ...steps);
  $("#form").hidden = $("#actions").hidden = false;
  for (const button of document.querySelectorAll("#list button")) button.setAttribute("aria-current", String(button.dataset.id === entry.id));
  if (fresh) $("#versions").replaceChildren(el("p", { class: "soft" }, "还没有版本。"));
  clean = JSON.stringify(content());
  preview();
}

const content = () => Object.fromEntries([...new FormData($("#form"))].map(([key, value]) => [key, stored(key, value)]));

function preview() {
  const e = { ...open.entry, ...content() };
  const first = e.answer.match(/^[^。;;!?]*[。;;!?]?/)[0];
  const warnings = e.verified_at ? [] : ["条目尚未核定,答复时请说明以现行公布为准"];
  $("#preview").replaceChildren(...answerNodes({ ...e, entry_id: e.id || "(未编号)", highlight: first, warnings }));
}

function signed(fallback) {
  const who = $("#who").value.trim();
  if (!who) { $("#who").focus(); throw new Error("请先填操作人"); }
  return { who, why: $("#why").value.trim() || fallback, expected: open.revision };
}

const guarded = (work) => async (...args) => {
  try { await work(...args); } catch (problem) { told(problem); }
};

/** Store a change of the open entry and show it, unless another one was opened meanwhile; what was typed since stays. */
async function store(path, body, id = open.entry.id) {
  if (writing) throw new Error("上一步还在保存,稍等再按");
  const [mine, sent] = [intent, content()];
  writing = true;
  let held;
  try { held = await put(`v1/entries/${encodeURIComponent(id)}${path}`, body); } finally { writing = false; }
  if (mine !== intent) return;
  const typed = Object.entries(content()).filter(([k, v]) => sent[k] !== v);
  const { activeElement: at } = document;
  const [name, caret, acted] = [at.form === $("#form") && at.name, at.selectionStart, $("#actions").contains(at)];
  show(held);
  const { elements } = $("#form");
  for (const [k, v] of typed) if (elements[k]) elements[k].value = said(k, v);
  if (typed.length) preview();
  if (acted) $("#actions .main").focus();
  if (!name || !elements[name]) return;
  elements[name].focus();
  elements[name].setSelectionRange(caret, caret);
}

const save = guarded(async () => {
  const wrong = $("#form [aria-invalid=true]");
  if (wrong) { wrong.focus(); throw new Error(`${NAMES[wrong.name]}:${wrong.validationMessage},实为 ${wrong.value}`); }
  const [entry, cluster] = [{ ...open.entry, ...content() }, answering];
  if (!entry.id.trim()) throw new Error("请填编号");
  await store("", { ...signed(open.revision ? "修改" : "新建"), entry }, entry.id.trim());
  if (!cluster) say("已存为草稿");
  else {
    if (answering === cluster) answering = null;
    if (await take(desk, cluster, entry.id.trim())) say(`已存为草稿,关联未答问题 ${cluster.id}`);
  }
  await Promise.all([cluster ? null : list(), versions()]);
});

/** Send what happens to the open entry, `path` under it, and say what was done. */
const change = guarded(async (path, why, sent, words) => {
  if (JSON.stringify(content()) !== clean) throw new Error("有未保存的改动,请先存为草稿");
  await store(path, { ...signed(why), ...sent });
  say(words);
  await Promise.all([list(), versions()]);
});
const move = (action, name) => change("/status", name, { action }, `已${name}`);
const restore = (revision) => change("/restore", `恢复修订 ${revision}`, { revision }, `已把修订 ${revision} 恢复为草稿`);

const versions = latest(async (still) => {
  const { id } = open.entry;
  const { items } = await get(`v1/entries/${encodeURIComponent(id)}/versions`);
  await settled();
  if (still() && open.entry.id === id) drawVersions(items, NAMES, restore);
}, told);

const test = latest(async (still) => {
  const text = $("#ask").value.trim();
  if (!text) return;
  const { answered, entries } = await post("v1/answer", { text, final: false });
  if (!still()) return;
  const best = entries[0];
  const pick = (e) => el("li", {}, el("button", { type: "button", onclick: () => load(e.entry_id) }, `${e.entry_id} ${e.question}`));
  $("#result").replaceChildren(...(answered
    ? [el("p", {}, el("span", { class: `badge ${sure(best.confidence)[0]}` }, sure(best.confidence)[1]), ` 会答 ${best.entry_id}:${best.question}`), el("ol", {}, ...entries.map(pick))]
    : [el("p", {}, el("span", { class: "badge low" }, "不会作答"), entries.length ? " 最接近的:" : " 没有接近的条目。"), el("ol", {}, ...entries.map(pick))]));
}, told);

const blank = () => ({ entry: Object.fromEntries([...FIELDS.map(([k]) => [k, ""]), ["id", ""], ["status", "draft"]]), revision: 0, live: null });

const desk = {
  load, leave, say, redraw: () => list(), who: () => $("#who").value.trim(),
  get intent() { return intent; },
  write(prefilled, cluster) {
    const fresh = blank();
    show({ ...fresh, entry: { ...fresh.entry, ...prefilled } });
    answering = cluster;
    say(`为未答问题 ${cluster.id} 写条目`);
    $("#form input").focus();
  },
};

function turn(name) {
  view = name;
  for (const button of document.querySelectorAll("#views button")) {
    const on = button.id === `view-${name}`;
    button.setAttribute("aria-selected", String(on));
    button.tabIndex = on ? 0 : -1;
  }
  $("#panel").setAttribute("aria-labelledby", `view-${name}`);
  $("#search").hidden = name === "unanswered" || name === "health";
  $("#status").disabled = name === "review";
  $("#kinds").hidden = name !== "health";
  list();
}

const views = [...document.querySelectorAll("#views button")];
views.forEach((button, i) => {
  button.addEventListener("click", () => turn(button.id.slice(5)));
  button.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step && views[(i + step + views.length) % views.length];
    if (next) { turn(next.id.slice(5)); next.focus(); }
  });
});
$("#kind").addEventListener("change", () => list());
importing({ who: desk.who, after: () => list() });
hits(load);
$("#who").value = localStorage.getItem("who") ?? "";
$("#who").addEventListener("change", () => localStorage.setItem("who", $("#who").value.trim()));
$("#q").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => list(), 150); });
$("#status").addEventListener("change", () => list());
$("#more").addEventListener("click", () => list(true));
$("#new").addEventListener("click", () => { if (!leave()) return; answering = null; show(blank()); $("#form input").focus(); });
$("#form").addEventListener("input", preview);
$("#form").addEventListener("submit", (event) => event.preventDefault());
$("#test").addEventListener("submit", (event) => { event.preventDefault(); test(); });
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, textarea, select")) { event.preventDefault(); $("#q").focus(); }
  if (event.ctrlKey && event.key.toLowerCase() === "s" && open) { event.preventDefault(); save(); }
});
list();
