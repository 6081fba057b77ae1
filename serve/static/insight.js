// The dashboard: asks for a period and a scope, shows figures, and opens the rows behind each of them.
import { get as fetched, latest } from "./api.js";
import { bars, byDay, picture } from "./charts.js";
import { dayField, moved } from "./dates.js";
import { $, el, settled } from "./dom.js";
import { drawEvents, drawMonth, drawSeasons, drawTopics, number, percent, table } from "./insight_parts.js";

const QUERY = ["start", "end", "district", "category"];
const COUNTING = "正在统计……";
const PATIENCE = 60; // seconds: years of tickets are counted at once
const WORDS = { whole: "全部(分母)", part: "算在内的(分子)", rest: "不算在内的" };
let seen = null;
let chosen = "received";
let tab = "figures";

const get = (path) => fetched(path, PATIENCE);

function say(words, bad = false) {
  $("#message").textContent = words;
  $("#message").classList.toggle("bad", bad);
}

const told = (problem) => say(problem.message, true);

const query = (more = {}) => {
  const given = Object.fromEntries(QUERY.map((name) => [name, $(`#${name}`).value]).filter(([, value]) => value));
  return new URLSearchParams({ ...given, ...more });
};

const show = (f, value = f.value) => (value === null ? "—" : f.kind === "share" ? percent(value) : number(value));

function compared(f) {
  const said = [];
  for (const [name, value] of [["上期", f.before], ["去年", f.year_before]]) if (value !== null) said.push(`${name} ${show(f, value)}`);
  return (f.kind === "share" ? [`${number(f.part)} ÷ ${number(f.whole)}`, ...said] : said).map((words) => el("span", {}, words));
}

function drawFigures() {
  const focused = document.activeElement?.dataset.figure;
  $("#cards").replaceChildren(...seen.figures.map((f) => el("li", {}, el("button", {
    type: "button", title: f.definition, "data-figure": f.name, "aria-pressed": String(f.name === chosen), onclick: () => choose(f.name),
  }, el("span", {}, f.title), el("b", {}, show(f)), el("small", {}, ...compared(f))))));
  if (focused) $(`#cards [data-figure=${focused}]`)?.focus();
  drawChart();
  const keep = $("#by").value || "category";
  $("#by").replaceChildren(...Object.entries(seen.breakdowns).map(([k, b]) => el("option", { value: k }, b.title)));
  $("#by").value = keep;
  drawBy();
  const causes = seen.causes.map((c) => [c.reason, { n: c.count }]);
  const moves = seen.moves.map((m) => [`${m.first_unit} → ${m.unit}`, { n: m.count }]);
  $("#causes").replaceChildren(
    seen.causes.length ? table(["原因", { n: "件数" }], causes) : el("p", { class: "soft" }, "本期没有退单改派。"),
    moves.length ? table(["改派", { n: "件数" }], moves) : "",
  );
  const { drift } = seen;
  $("#drift").replaceChildren(
    table(["度量", { n: "指数" }, "判断"], drift.measures.map((m) => [m.title, { n: m.index === null ? "—" : m.index.toFixed(3) }, m.verdict])),
    el("p", { class: "soft" }, `本期来电 ${drift.calls} 件,上期 ${drift.calls_before} 件。${drift.definition}`),
  );
}

function drawChart() {
  const figure = seen.figures.find((f) => f.name === chosen);
  $("#by-day-title").textContent = `${figure.title} · 按日`;
  byDay($("#by-day"), figure, (day) => open(figure, "whole", day));
}

function drawBy() {
  const { title, rows } = seen.breakdowns[$("#by").value];
  bars($("#by-what"), rows, `受理量按${title}`);
}

/** First press shows a figure by day, a second one the rows behind it. */
function choose(name) {
  if (name === chosen) { open(seen.figures.find((f) => f.name === name), "whole", ""); return; }
  chosen = name;
  for (const button of document.querySelectorAll("#cards button")) button.setAttribute("aria-pressed", String(button.dataset.figure === name));
  drawChart();
}

const open = latest(async (still, figure, which, day) => {
  const more = { figure: figure.name, which, ...(day ? { day } : {}) };
  const { count, items } = await get(`v1/insight/rows?${query(more)}`);
  if (!still()) return;
  $("#behind-title").textContent = `${figure.title}${day ? ` · ${day}` : ""}:${count} 条`;
  $("#behind-definition").textContent = figure.definition;
  const parts = figure.kind === "share" ? Object.entries(WORDS) : [];
  $("#behind-which").replaceChildren(...parts.map(([k, words]) => el("button", { type: "button", "aria-pressed": String(k === which), onclick: () => open(figure, k, day) }, words)));
  const cells = items.map((r) => [r.day, r.id ?? "", r.text, r.name || (r.field ? `${r.field}:${r.proposed} → ${r.value}` : ""), r.unit ?? "", r.reason ?? r.verdict ?? r.entry_id ?? ""]);
  $("#behind-rows").replaceChildren(items.length ? table(["日期", "编号", "内容", "分类或选择", "单位", "原因或结果"], cells) : el("p", { class: "soft" }, "没有。"));
  if (count > items.length) $("#behind-rows").append(el("p", { class: "soft" }, `只列最近 ${items.length} 条。`));
  if (!$("#behind").open) $("#behind").showModal();
}, told);

const load = latest(async (still) => {
  say(COUNTING);
  const wanted = query();
  $("#excel").href = `v1/insight/export?${wanted}`;
  if (tab === "figures") {
    const found = await get(`v1/insight/figures?${wanted}`);
    await settled();
    if (!still()) return;
    seen = found;
    for (const name of ["start", "end"]) $(`#${name}`).value ||= seen.period[name];
    drawFigures();
  } else if (tab === "topics") {
    const week = new URLSearchParams(wanted);
    week.delete("start");
    const [topics, events] = await Promise.all([get(`v1/insight/topics?${week}`), get(`v1/insight/events?${week}`)]);
    if (!still()) return;
    dated(topics.period);
    $("#topics-title").textContent = `热点 · ${topics.period.start} 至 ${topics.period.end}`;
    drawTopics($("#topics .body"), topics);
    drawEvents($("#events"), events);
  } else if (tab === "seasons") {
    const end = $("#end").value;
    const found = await get(`v1/insight/seasons${end ? `?end=${end}` : ""}`);
    if (!still()) return;
    dated(found.period);
    drawSeasons($("#seasons"), found);
  } else {
    const { items } = await get("v1/insight/months");
    if (!still()) return;
    const keep = $("#months").value;
    $("#months").replaceChildren(...items.map((m) => el("option", { value: m }, m)));
    $("#months").value = items.includes(keep) ? keep : items[0] ?? "";
    await month();
  }
  if (still() && $("#message").textContent === COUNTING) say(""); // what was said meanwhile, a fault of a field, stays
}, told);

/** Show up to which day a tab counts, where the person has not said so. */
function dated({ end }) {
  if (!$("#end").value) $("#end").value = end;
}

const month = latest(async (still) => {
  const wanted = $("#months").value;
  $("#open-report").hidden = $("#word").hidden = !wanted;
  if (!wanted) { $("#month-body").replaceChildren(el("p", { class: "soft" }, "还没有工单,也没有导入月度合计。")); return; }
  $("#open-report").href = `v1/insight/report?month=${wanted}`;
  $("#word").href = `v1/insight/report?month=${wanted}&format=docx`;
  const found = await get(`v1/insight/month?month=${wanted}`);
  if (still()) drawMonth($("#month-body"), found);
}, told);

function turn(name, focus = true) {
  tab = name;
  document.body.dataset.tab = name;
  for (const button of document.querySelectorAll("#tabs button")) {
    const on = button.id === `tab-${name}`;
    button.setAttribute("aria-selected", String(on));
    button.tabIndex = on ? 0 : -1;
    if (on && focus) button.focus();
    $(`#${button.getAttribute("aria-controls")}`).hidden = !on;
  }
  load();
}

function controls() {
  const tabs = [...document.querySelectorAll("#tabs button")];
  tabs.forEach((button, i) => {
    button.addEventListener("click", () => turn(button.id.slice(4)));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) turn(tabs[(i + step + tabs.length) % tabs.length].id.slice(4));
    });
  });
  for (const name of ["start", "end"]) dayField($(`#${name}`), (words) => say(words, true));
  $("#query").addEventListener("change", () => load());
  $("#query").addEventListener("submit", (event) => event.preventDefault());
  for (const button of document.querySelectorAll("#spans button")) button.addEventListener("click", () => {
    $("#start").value = moved($("#end").value, 1 - Number(button.dataset.days));
    load();
  });
  $("#by").addEventListener("change", drawBy);
  $("#months").addEventListener("change", () => month());
  for (const button of document.querySelectorAll(".png")) button.addEventListener("click", () => picture(button.dataset.chart, `有诉-${$(`#${button.dataset.chart}`).parentElement.querySelector("h2").textContent.replace(/[ ·]+/g, "-")}`));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => seen && drawFigures());
}

async function start() {
  controls();
  const wanted = new URLSearchParams(location.search);
  for (const name of ["start", "end"]) $(`#${name}`).value = wanted.get(name) ?? "";
  turn(location.hash.slice(1) in { figures: 1, topics: 1, seasons: 1, month: 1 } ? location.hash.slice(1) : "figures", false);
  const [choices, top] = await Promise.all([get("v1/catalog/choices"), get("v1/catalog/search?level=1")]).catch(() => [null, null]);
  if (choices) $("#district").append(...choices.districts.map((name) => el("option", { value: name }, name)));
  if (top) $("#category").append(...top.results.map((n) => el("option", { value: n.code }, n.name)));
}

start();
