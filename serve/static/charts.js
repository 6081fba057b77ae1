// Charts of the dashboard, drawn by the plotly script that the service ships; colours follow the page.
import { $ } from "./dom.js";

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const CONFIG = { displayModeBar: false, responsive: true, locale: "zh-CN" };

function layout(more = {}) {
  const axis = { gridcolor: ink("--line"), linecolor: ink("--edge"), zeroline: false, automargin: true, fixedrange: true };
  return {
    margin: { l: 48, r: 12, t: 12, b: 40 }, paper_bgcolor: ink("--card"), plot_bgcolor: ink("--card"), hovermode: "closest",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: ink("--ink") }, showlegend: false, ...more,
    xaxis: { ...axis, ...more.xaxis }, yaxis: { ...axis, rangemode: "tozero", ...more.yaxis },
  };
}

/** Draw a figure by day: a count as bars, a share as a line with gaps where there was nothing. */
export function byDay(host, figure, picked) {
  const x = figure.days.map((d) => d.day);
  const share = figure.kind === "share";
  const y = figure.days.map((d) => (share ? (d.whole ? d.part / d.whole : null) : d.whole));
  const text = figure.days.map((d) => (share ? `${d.part} ÷ ${d.whole}` : `${d.whole} 件`));
  const trace = share
    ? { type: "scatter", mode: "lines+markers", x, y, text, line: { color: ink("--accent"), width: 2 }, marker: { color: ink("--accent"), size: 6 }, connectgaps: false }
    : { type: "bar", x, y, text, marker: { color: ink("--accent") }, textposition: "none" };
  trace.hovertemplate = share ? "%{x|%m-%d}<br>%{y:.1%}<br>%{text}<extra></extra>" : "%{x|%m-%d}<br>%{text}<extra></extra>";
  const format = { type: "date", tickformat: "%m-%d" };
  window.Plotly.react(host, [trace], layout({ xaxis: format, yaxis: { tickformat: share ? ".0%" : "d" } }), CONFIG);
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", `${figure.title},按日:${figure.days.filter((d) => d.whole).map((d, i) => `${d.day} ${text[x.indexOf(d.day)]}`).slice(-14).join(";")}`);
  host.removeAllListeners?.("plotly_click");
  host.on("plotly_click", (event) => picked(event.points[0].x.slice(0, 10)));
}

/** Draw counts as horizontal bars beside those of the period before. */
export function bars(host, rows, title) {
  const shown = rows.slice(0, 12).reverse();
  const y = shown.map((r) => (r.name.length > 14 ? `${r.name.slice(0, 13)}…` : r.name));
  const bar = (name, x, color) => ({ type: "bar", orientation: "h", name, y, x, marker: { color }, hovertemplate: `%{y}<br>${name} %{x} 件<extra></extra>` });
  const traces = [bar("上期", shown.map((r) => r.before), ink("--edge")), bar("本期", shown.map((r) => r.count), ink("--accent"))];
  window.Plotly.react(host, traces, layout({ barmode: "group", bargap: 0.25, showlegend: true, margin: { l: 48, r: 12, t: 32, b: 32 }, legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom", traceorder: "reversed" }, xaxis: { tickformat: "d", rangemode: "tozero" }, yaxis: { type: "category" } }), CONFIG);
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", `${title}:${rows.slice(0, 12).map((r) => `${r.name} ${r.count} 件`).join(";")}`);
}

/** Save a chart as a picture. */
export function picture(id, name) {
  return window.Plotly.downloadImage($(`#${id}`), { format: "png", width: 1200, height: 600, scale: 2, filename: name });
}
