// The lists of the desk beside the entries: unanswered questions by cluster, and what is wrong with entries.
import { get, post, put } from "./api.js";
import { $, el } from "./dom.js";
import { said } from "./kb_words.js";

const PATIENCE = 60; // seconds: every entry is looked at
const day = (moment) => new Date(moment).toLocaleDateString("zh-CN");

/**
 * Ask for the queue; returns what draws it. `desk` gives write(prefilled, cluster), load(id), leave() with intent,
 * who(), redraw() and say(words, bad).
 */
export async function unanswered(desk) {
  const { items } = await get("v1/desk/unanswered?limit=100", PATIENCE);
  return () => {
    const begun = $("#list .cluster form");
    const focused = begun?.contains(document.activeElement) && document.activeElement;
    const rows = items.map((c) => row(desk, c));
    // a reason that is being typed moves to the new row of its question
    if (begun) rows.find((li) => li.dataset.id === begun.closest("li").dataset.id)?.append(begun);
    $("#count").textContent = items.length ? `${items.length} 簇未答的问题,问得多的在前` : "没有未答的问题";
    $("#list").replaceChildren(...rows);
    if (focused) focused.focus();
  };
}

function row(desk, c) {
  return el("li", { class: "cluster", "data-id": String(c.id) },
    el("p", {}, c.sample),
    el("p", { class: "soft" }, `问过 ${c.asked} 次 · 最近 ${day(c.last_at)}${c.assignee ? ` · ${c.assignee} 在写` : ""}${c.entry_id ? ` · ${c.entry_id} ${c.entry_status === "missing" ? "条目不在了" : said("status", c.entry_status)}` : ""}`),
    el("div", { class: "row" },
      c.entry_id && c.entry_status !== "missing"
        ? el("button", { type: "button", onclick: () => desk.load(c.entry_id) }, "看条目")
        : el("button", { type: "button", onclick: () => write(desk, c) }, "写条目"),
      c.entry_status === "published"
        ? el("button", { type: "button", onclick: () => handle(desk, c, { action: "close", entry_id: c.entry_id }) }, "已答,关闭")
        : el("button", { type: "button", onclick: (event) => dismiss(desk, c, event.target.closest("li")) }, "不必写,关闭")));
}

/** Open the form with what is known: the question, the category the classifier gives, its lead unit, where it came from. */
async function write(desk, cluster) {
  const mine = desk.leave();
  if (!mine) return;
  const guess = await post("v1/assist", { text: cluster.sample, final: false }).catch(() => null);
  const category = guess?.category;
  const lead = guess?.route?.targets.find((t) => t.role === "lead");
  if (mine !== desk.intent) return; // another entry was opened meanwhile
  desk.write({
    question: cluster.sample, aliases: "", category: category?.path[Math.max(category.depth, 1) - 1] ?? "",
    department: lead?.path?.at(-1) ?? "", source: `未答问题 ${cluster.id},问过 ${cluster.asked} 次`,
  }, cluster);
}

/** Tell the service; returns whether it took it. */
async function handle(desk, cluster, sent) {
  let done = false;
  try {
    await put(`v1/desk/unanswered/${cluster.id}`, { who: desk.who(), ...sent });
    desk.say(sent.action === "close" ? "已关闭" : "已领走");
    done = true;
  } catch (problem) {
    desk.say(problem.message, true);
  }
  await desk.redraw();
  return done;
}

/** Remember which entry is being written for a cluster; returns whether the service took it. */
export const take = (desk, cluster, entry_id) => handle(desk, cluster, { action: "assign", entry_id });

function dismiss(desk, cluster, row) {
  const note = el("input", { "aria-label": "不必写的原因", placeholder: "不必写的原因", maxLength: 1000 });
  const form = el("form", { class: "row", onsubmit: (event) => { event.preventDefault(); if (note.value.trim()) handle(desk, cluster, { action: "close", note: note.value.trim() }); else note.focus(); } }, note, el("button", {}, "关闭"));
  $("#list .cluster form")?.remove();
  row.append(form);
  note.focus();
}

/** Ask what is wrong with published entries, narrowed to the kind of the select; returns what draws it. */
export async function health(desk) {
  const wanted = $("#kind").value;
  const { counts, items } = await get(`v1/desk/health${wanted ? `?kind=${wanted}` : ""}`, PATIENCE);
  const all = counts.reduce((sum, c) => sum + c.count, 0);
  return () => {
    $("#kind").replaceChildren(el("option", { value: "" }, `全部 ${all}`), ...counts.map((c) => el("option", { value: c.kind }, `${c.name} ${c.count}`)));
    $("#kind").value = wanted;
    $("#count").textContent = items.length ? `${items.length} 处` : "没有发现问题";
    $("#list").replaceChildren(...items.map((f) => el("li", {}, el("button", { type: "button", "data-id": f.entry_id, onclick: () => desk.load(f.entry_id) },
      el("span", {}, f.question), el("span", { class: "badge low" }, f.name), el("small", {}, [f.entry_id, f.detail].filter(Boolean).join(" · "))))));
  };
}
