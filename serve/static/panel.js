// The operator panel: words in, one request in flight, cards out; what the operator decided is never overwritten.
import { Problem, back, get, post } from "./api.js";
import * as cards from "./cards.js";
import * as correct from "./correct.js";
import { Decisions, FIELD_NAMES } from "./decisions.js";
import { $, copy, el, settled } from "./dom.js";
import { listen } from "./keys.js";
import { close as closePicker } from "./picker.js";
import { follow, merge } from "./session.js";

const PAUSE = 60;
const options = new URLSearchParams(location.search);
const call = $("#call");
const decisions = new Decisions((words, bad) => say(words, bad));
const REMEMBERED = 40; // answers about single requests of a call
const blank = () => ({ body: null, tab: 0, pieces: [], known: new Map() });
let state = blank();
let heard = "";
let epoch = 0;
let busy = false;
let again = false;
let typed = 0;
let last = 0;
let timer = 0;
let why = false;

const desk = {
  get decisions() { return decisions.of(state.tab); },
  get body() { return state.pieces[state.tab] ?? state.body; },
  /** Which request of which call is shown; what was asked about another one is not for this one. */
  get place() { return `${epoch}/${state.tab}`; },
  card: (field) => $(`#${field}`),
  decide,
  redraw: show,
  say,
};

let quiet = 0;
function say(words, bad = false) {
  clearTimeout(quiet);
  if (!document.body.classList.contains("down")) quiet = setTimeout(() => { $("#message").textContent = ""; }, bad ? 12000 : 6000);
  $("#message").textContent = words;
  $("#message").classList.toggle("bad", bad);
}

async function look() {
  if (busy) { again = true; return; }
  const text = call.value;
  const mine = epoch;
  if (!text.trim()) { state = blank(); show(); return; }
  busy = true;
  again = false;
  const since = typed;
  try {
    const body = await post("v1/assist", { text, final: false });
    await settled();
    if (mine === epoch) await arrived(body, text, since);
  } catch (problem) {
    await failed(problem, mine);
  } finally {
    busy = false;
    if (again || mine !== epoch) look();
  }
}

async function arrived(body, text, since) {
  document.body.classList.remove("down");
  const tab = Math.min(state.tab, Math.max(body.requests.length - 1, 0));
  const pieces = body.requests.length > 1 ? state.pieces.slice(0, body.requests.length) : [];
  state = { ...state, body, text, tab, pieces };
  show();
  requestAnimationFrame(() => {
    $("#time").textContent = since ? `键到屏 ${Math.round(performance.now() - since)} 毫秒` : `${Math.round(body.timings.total)} 毫秒`;
    $("#time").title = `服务 ${Math.round(body.timings.total)} 毫秒`;
    if (since === typed) typed = 0;
  });
  announce();
  if (body.requests.length < 2) return;
  await openPiece(tab);
  show();
}

async function failed(problem, mine) {
  if (!(problem instanceof Problem)) throw problem;
  if (!problem.down) {
    say(problem.message, true);
    if (problem.status !== 429) return;
    await new Promise((done) => setTimeout(done, 1000)); // the last words must not stay without an answer
    again = mine === epoch;
    return;
  }
  document.body.classList.add("down");
  say(`${problem.message},正在重连;下面的内容可能不是最新`, true);
  await back();
  document.body.classList.remove("down");
  say("已恢复");
  again = mine === epoch;
}

/** A call with several requests: each has its own answer, category and route, asked with the place of the call. */
async function openPiece(tab) {
  const { body, known } = state;
  const piece = body.requests[tab];
  const { district, street } = body.places;
  const text = street && !piece.text.includes(street) ? `${district}${street},${piece.text}` : piece.text;
  const about = JSON.stringify([text, district]);
  // while one request grows, the others stay as they are: what was asked about the same words is not asked again
  const answered = known.get(about) ?? await post("v1/assist", { text, district, final: false });
  if (known.size >= REMEMBERED) known.clear();
  known.set(about, answered);
  if (state.body === body) state.pieces[tab] = { ...answered, risk: body.risk };
}

async function choose(tab) {
  if (tab === state.tab || !state.body) return;
  closePicker();
  state.tab = tab;
  show();
  const was = state;
  await openPiece(tab).catch(() => say("这一件暂时取不到", true));
  if (was === state && state.tab === tab) show();
}

function show() {
  const { body, tab } = state;
  const made = decisions.of(tab);
  const view = state.pieces[tab] ?? body;
  const several = (body?.requests.length ?? 0) > 1;
  const category = several ? body.requests[tab].category : view?.category;
  cards.drawRisk(body?.risk ?? []);
  const route = made.route?.shown ?? made.category?.route ?? view?.route;
  cards.drawAsk(view, route);
  cards.drawTabs(body?.requests ?? [], tab, choose);
  cards.drawAnswer($("#answer"), made.answer?.shown ?? view?.answers, made.answer, view?.note);
  cards.drawCategory($("#category"), made.category?.shown ?? category, made.category, {
    level: (i) => correct.category(desk, i),
    alternative: (a) => correct.alternative(desk, a),
  });
  cards.drawRoute($("#route"), route, made.route, why);
  cards.drawSimilar(view?.similar ?? []);
  const kind = $("#kind");
  kind.disabled = !view;
  kind.value = made.request_type?.value ?? view?.request_type.name ?? "";
  for (const button of document.querySelectorAll(".card > footer button, #all")) button.disabled = !view;
  $("#answer .copy").disabled = !view?.answers.answered && !made.answer?.shown?.answered;
  $("#undo").disabled = !decisions.steps.length;
}

let announcing = 0;
function announce() {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    const { body } = state;
    if (!body?.category) return;
    const lead = body.route.targets.find((t) => t.role === "lead");
    const names = body.category.names.slice(0, Math.max(body.category.depth, 1)).join(" ");
    $("#spoken").textContent = `分类 ${names}。${lead ? `主办 ${lead.unit}。` : ""}${body.answers.answered ? "有答复。" : ""}`;
  }, 1200);
}

/** Record choices of one keystroke and draw them. */
let counted = "";

/** What was typed is whole once something is decided or the call ends: only then does it count as a question asked. */
function heardOut() {
  const text = call.value;
  if (!text.trim() || text === counted) return;
  counted = text;
  post("v1/assist", { text, final: true }).catch(() => {});
}

function decide(choices, words) {
  if (!desk.body) return;
  heardOut();
  const about = { text: desk.body.text, call_id: desk.body.call_id ?? options.get("session") ?? "" };
  decisions.make(state.tab, about, choices, words);
  show();
}

function proposal(field) {
  const { body } = desk;
  const several = (state.body?.requests.length ?? 0) > 1;
  if (field === "answer") {
    const best = body.answers.answered ? body.answers.entries[0] : null;
    return { value: best?.entry_id ?? "", label: best ? best.entry_id : "没有答复", shown: body.answers };
  }
  if (field === "route") {
    const route = decisions.of(state.tab).category?.route ?? body.route;
    const leads = route.targets.filter((t) => t.role === "lead");
    return { value: leads.map((t) => t.code || t.unit).join(";"), label: leads.map((t) => t.unit).join("、"), shown: route };
  }
  if (field === "request_type") return { value: body.request_type.name, label: body.request_type.name };
  const c = several ? state.body.requests[state.tab].category : body.category;
  return { value: c?.path[c.depth - 1] ?? "", label: c ? c.names.slice(0, c.depth).join(" › ") : "", shown: c, whole: c?.depth === c?.names.length };
}

function judge(field, verdict) {
  if (!desk.body) return;
  if (verdict === "correct") { correct[field](desk); return; }
  const p = proposal(field);
  if (verdict === "accept" && !p.value && field !== "answer") { correct[field](desk); return; }
  const short = field === "category" && verdict === "accept" && !p.whole ? "(其余各级请点选)" : "";
  const words = verdict === "accept" ? `已采纳${FIELD_NAMES[field]}:${p.label}${short}` : `${FIELD_NAMES[field]}标为不确定`;
  decide([{ ...p, field, verdict, proposed: p.value, value: verdict === "accept" ? p.value : "" }], words);
}

function acceptAll() {
  if (!desk.body) return;
  const made = decisions.of(state.tab);
  const open = ["category", "route", "request_type", "answer"].filter((f) => !made[f]);
  const ready = open.map((field) => ({ field, ...proposal(field) })).filter((p) => p.value);
  if (!ready.length) { say("没有可采纳的"); return; }
  const words = `已采纳:${ready.map((p) => FIELD_NAMES[p.field]).join("、")}`;
  decide(ready.map((p) => ({ ...p, verdict: "accept", proposed: p.value })), words);
}

async function copyAnswer() {
  const answers = decisions.of(state.tab).answer?.shown ?? desk.body?.answers;
  if (!answers?.answered) { say("没有可复制的答复"); return; }
  const best = answers.entries[0];
  say((await copy(`${best.answer}\n依据:${best.basis}`)) ? "已复制答复" : "复制不了,请手工选取");
}

function fresh() {
  heardOut();
  closePicker(); // what was half chosen belongs to the call that ends
  if (!call.value && !decisions.steps.length) return;
  const kept = { state, text: call.value, tabs: decisions.tabs, steps: decisions.steps };
  epoch += 1;
  state = blank();
  call.value = "";
  decisions.reset([], [{ restore: () => { epoch += 1; state = kept.state; call.value = kept.text; decisions.reset(kept.tabs, kept.steps); } }]);
  show();
  say("新来电");
  $("#time").textContent = "";
  call.focus();
}

function undo() {
  closePicker();
  const step = decisions.undo();
  if (!step) { say("没有可撤销的"); return; }
  if (step.restore) say("已恢复上一个来电");
  else state.tab = step.tab;
  show();
}

function run(action) {
  const [field, verdict] = action.split(".");
  if (verdict) return judge(field, verdict);
  const next = () => state.body && choose((state.tab + 1) % state.body.requests.length);
  const reasons = () => { why = !why; const d = $("#route .why"); if (d) d.open = why; };
  const help = () => ($("#help").open ? $("#help").close() : $("#help").showModal());
  return { all: acceptAll, copy: copyAnswer, why: reasons, next, undo, new: fresh, focus: () => call.focus(), help }[action]();
}

function controls() {
  const keys = { answer: "1QA", category: "2WS", route: "3ED" };
  const button = (words, key, action, kind) => el("button", { type: "button", class: kind, onclick: () => run(action), title: `Alt+${key}` }, words, el("kbd", { "aria-hidden": "true" }, key));
  for (const [field, [accept, change, doubt]] of Object.entries(keys)) {
    $(`#${field} > footer`).append(button("采纳", accept, `${field}.accept`), button("改", change, `${field}.correct`), button("不确定", doubt, `${field}.unsure`));
  }
  $("#answer > footer").append(button("复制", "C", "copy", "copy"));
  for (const [id, action] of [["all", "all"], ["undo", "undo"], ["new", "new"], ["help-button", "help"]]) $(`#${id}`).addEventListener("click", () => run(action));
  $("#kind").addEventListener("change", (event) => {
    const p = proposal("request_type");
    decide([{ field: "request_type", verdict: event.target.value === p.value ? "accept" : "correct", value: event.target.value, proposed: p.value }], `类型:${event.target.value}`);
  });
}

async function start() {
  document.body.classList.toggle("embed", options.get("embed") === "1");
  controls();
  listen(run);
  show();
  const changed = (event) => {
    if (event.isComposing) return; // the letters of an input method are not yet words
    const rested = performance.now() - (typed || last) > 3 * PAUSE;
    last = typed = performance.now();
    clearTimeout(timer);
    timer = setTimeout(look, rested ? 0 : PAUSE);
  };
  call.addEventListener("input", changed);
  call.addEventListener("compositionend", changed);
  if (options.get("session")) {
    follow(options.get("session"), (text) => {
      const merged = merge(call.value, heard, text);
      heard = text;
      if (merged === call.value) return;
      call.value = merged;
      call.scrollTop = call.scrollHeight;
      typed = performance.now();
      look();
    }, (words) => { $("#session").textContent = words; });
  }
  for (;;) {
    try {
      const choices = await get("v1/catalog/choices");
      $("#kind").append(...choices.request_types.map((name) => el("option", { value: name }, name)));
      show();
      return;
    } catch { await back(); }
  }
}

start();
