// Hit test on the desk: many questions at once, at which rank the expected entry stands; nothing is recorded.
import { ask, latest } from "./api.js";
import { $, el } from "./dom.js";

const PATIENCE = 120; // seconds: hundreds of questions are embedded
const share = (value) => (value === null || value === undefined ? "—" : `${(100 * value).toFixed(1)}%`);

function read(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const match = line.match(/^(.*?)[\t,,]\s*([\w.-]{1,64})$/);
    return match ? { question: match[1].trim(), expected: match[2] } : { question: line, expected: "" };
  });
}

export function hits(load) {
  $("#open-hits").addEventListener("click", () => { $("#hits").showModal(); $("#questions").focus(); });
  const test = latest(async (still) => {
    const questions = read($("#questions").value);
    if (!questions.length) return;
    $("#hits-said").textContent = "正在测试……";
    const { items, totals } = await ask("POST", "v1/entries/hit-test", { questions }, {}, PATIENCE);
    if (!still()) return;
    $("#hits-said").textContent = `${totals.questions} 问:命中 @1 ${share(totals["hit@1"])},@3 ${share(totals["hit@3"])},@5 ${share(totals["hit@5"])};作答 ${share(totals.answered)},作答中答对 ${share(totals.right_among_answered)};不该答的答了 ${share(totals.off_topic_answered)}`;
    const rows = items.map((t) => el("tr", {},
      el("td", {}, t.question), el("td", {}, t.expected || "(不该答)"),
      el("td", { class: t.expected && t.rank !== 1 ? "n fault" : "n" }, t.expected ? t.rank || "前五没有" : "—"),
      el("td", {}, t.answered ? "会答" : "不答"),
      el("td", {}, ...t.top.slice(0, 3).map((e) => el("p", {}, el("button", { type: "button", onclick: () => { $("#hits").close(); load(e.entry_id); } }, e.entry_id), ` ${e.question}`)))));
    $("#hits-rows").replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, ...["问题", "期望", "名次", "作答", "最接近的"].map((h) => el("th", { scope: "col" }, h)))), el("tbody", {}, ...rows)));
  }, (problem) => { $("#hits-said").textContent = problem.message; });
  $("#hits-form").addEventListener("submit", (event) => { event.preventDefault(); test(); });
}
