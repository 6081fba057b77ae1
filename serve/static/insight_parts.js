// Parts of the dashboard below the figures: topics, events, the seasonal watch and a month; they only draw.
import { el } from "./dom.js";

export const number = (value) => (Number.isInteger(value) ? value.toLocaleString("zh-CN") : value.toLocaleString("zh-CN", { maximumFractionDigits: 1 }));
export const percent = (value) => `${(100 * value).toFixed(2)}%`;

/** A table; a cell or heading {n: …} is a number and stands to the right. */
export function table(headings, rows) {
  const cell = (tag) => (value) => (value !== null && typeof value === "object" && "n" in value ? el(tag, { class: "n" }, String(value.n)) : el(tag, tag === "th" ? { scope: "col" } : {}, value ?? ""));
  return el("table", {}, el("thead", {}, el("tr", {}, ...headings.map(cell("th")))), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell("td"))))));
}

const nothing = (words) => el("p", { class: "soft" }, words);
const samples = (cases, count = cases.length) => el("details", {}, el("summary", {}, cases.length < count ? `看其中 ${cases.length} 件` : `看这 ${count} 件`), table(["日期", "编号", "内容", "单位"], cases.map((c) => [c.day, c.id, c.text, c.unit])));

function growth(t) {
  if (t.growth === null) return "上期没有";
  if (t.growth === 0) return "与上期持平";
  return `较上期 ${t.before} 件${t.growth > 0 ? "增" : "减"} ${Math.abs(Math.round(100 * t.growth))}%`;
}

export function drawTopics(host, { items }) {
  host.replaceChildren(items.length ? el("ol", {}, ...items.map((t) => el("li", {},
    el("div", { class: "row" }, el("b", {}, t.name), el("span", {}, `${t.count} 件`), el("span", { class: t.count > t.before ? "badge low" : "badge" }, growth(t)),
      el("span", { class: "soft" }, t.districts.slice(0, 4).map((d) => `${d.name} ${d.count}`).join("、"))),
    samples(t.samples, t.count)))) : nothing("这几天没有聚成热点的工单(至少 3 件)。"));
}

export function drawEvents(host, { items }) {
  const kinds = { common: "多人同一事由", repeat: "同一人重复" };
  host.replaceChildren(items.length ? el("ol", {}, ...items.map((e) => el("li", {},
    el("div", { class: "row" }, el("span", { class: "badge correct" }, kinds[e.kind]), el("b", {}, e.name || "未分类"), el("span", {}, `${e.count} 件`), el("span", { class: "soft" }, e.why)),
    samples(e.cases, e.count)))) : nothing("没有可并的工单。"));
}

export function drawSeasons(host, found) {
  const cell = (c) => el("li", {},
    el("div", { class: "row" }, c.alert ? el("span", { class: "alert" }, "突增") : "", el("b", {}, c.place), el("span", {}, `本周 ${c.count} 件`),
      el("span", { class: "soft" }, c.weeks ? `历史每周约 ${c.expected} 件(${c.weeks} 周),界限 ${c.upper} 件` : "没有历史,不判突增")),
    samples(c.cases, c.count));
  const season = (w) => {
    const alerts = w.cells.filter((c) => c.alert).length;
    return el("section", { class: "season", "aria-label": w.topic },
      el("h2", {}, w.topic, w.begins ? el("span", { class: "badge middle" }, "下月开始") : "", alerts ? el("span", { class: "alert" }, `${alerts} 处突增`) : ""),
      el("p", {}, `本周 ${w.week} 件,上周 ${w.week_before} 件;下周预计 ${w.forecast} 件,上限 ${w.forecast_upper} 件`),
      el("p", { class: "soft" }, [w.why && `缘由:${w.why}`, w.watch && `预警看:${w.watch}`, w.action && `先办:${w.action}`].filter(Boolean).join("。")),
      w.cells.length ? el("ol", {}, ...w.cells.map(cell)) : "");
  };
  host.replaceChildren(...(found.items.length ? found.items.map(season) : [nothing("本月与下月没有列出季节事项。")]), el("p", { class: "soft" }, `${found.bound}。α = ${found.alpha},最少 ${found.least} 件。`));
}

export function drawMonth(host, m) {
  const moved = (name) => (m.change[name] === undefined || m.change[name] === null ? "—" : m.change[name] === 0 ? "持平" : `${m.change[name] > 0 ? "升" : "降"} ${Math.abs(m.change[name]).toFixed(2)}`);
  const rates = Object.values(m.rates);
  const noted = rates.some((r) => r.note);
  host.replaceChildren(
    el("p", {}, `受理 ${number(m.totals.received)} 件,办结 ${number(m.totals.closed)} 件。`, m.verdict === "无从比较" ? "" : `响应率、解决率、满意率较上月呈“${m.verdict}”。`),
    table(["指标", { n: "本月" }, { n: "较上月(百分点)" }, "公式", ...(noted ? ["说明"] : [])], rates.map((r) => [r.title, { n: r.value === null ? "未知" : `${r.value.toFixed(2)}%` }, { n: moved(r.name) }, r.formula, ...(noted ? [r.note] : [])])),
    el("p", { class: "soft" }, `数据来源:${m.totals.source || "未注明"}`));
}
