// Import on the desk: check a file, see each faulty row beside what is wrong with it, take in the rest.
import { latest, send } from "./api.js";
import { $, el } from "./dom.js";

const HEADINGS = { question: "题目", answer: "答复", basis: "依据", department: "部门", category: "分类", id: "编号" };

/** `desk` gives who() and after(), which draws the list anew. */
export function importing(desk) {
  let aside = { headings: [], rows: [] };
  const take = $("#take-in");

  const run = latest(async (still, dry) => {
    const [file] = $("#file").files;
    if (!file) return;
    const why = $("#import-why").value.trim() || `导入 ${file.name}`;
    const query = new URLSearchParams({ name: file.name, why, who: desk.who(), dry_run: dry, accept_near: $("#near").checked, encoding: $("#encoding").value });
    said("正在检查……");
    take.disabled = true;
    const found = await send("POST", `v1/entries/import?${query}`, file, { "content-type": "application/octet-stream" }, 120);
    if (!dry) await desk.after();
    if (!still() || file !== $("#file").files[0]) return; // what was found out about one file says nothing of the next
    show(found);
    take.disabled = !dry || !(found.new + found.changed);
  }, (problem) => {
    $("#import-rows").replaceChildren();
    said(problem.message, true);
  });

  function said(words, bad = false) {
    $("#import-said").textContent = words;
    $("#import-said").className = bad ? "warning" : "";
  }

  function show(found) {
    const done = found.dry_run ? "检查完,尚未入库" : "已存为草稿";
    said(`${done}:共 ${found.rows} 行,新增 ${found.new},修改 ${found.changed},未变 ${found.unchanged},搁置 ${found.set_aside}。${found.ignored.length ? `没有用到的列:${found.ignored.join("、")}。` : ""}`);
    aside = { headings: found.headings ?? [], rows: found.aside ?? [] };
    const faults = new Map();
    for (const fault of found.faults) faults.set(fault.row, [...(faults.get(fault.row) ?? []), fault]);
    if (!faults.size) { $("#import-rows").replaceChildren(); return; }
    const cells = new Map(aside.rows.map((r) => [r.row, r.cells]));
    const shown = [...faults].map(([row, list]) => el("tr", {},
      el("td", { class: "n" }, String(row)),
      el("td", { class: "why-not" }, ...list.map((f) => el("p", {}, `${HEADINGS[f.column] ?? f.column}:应为 ${f.expected},实为 ${f.found || "空"}`))),
      el("td", {}, ...Object.entries(cells.get(row) ?? {}).filter(([, v]) => v).slice(0, 6).map(([k, v]) => el("p", {}, `${k}:${v.length > 80 ? `${v.slice(0, 80)}…` : v}`)))));
    $("#import-rows").replaceChildren(
      el("p", {}, el("button", { type: "button", id: "save-rejected", onclick: save, disabled: !aside.rows.length }, "下载搁置的行(CSV)")),
      el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col", class: "n" }, "行"), el("th", { scope: "col" }, "哪里不对"), el("th", { scope: "col" }, "这一行的内容"))), el("tbody", {}, ...shown)));
  }

  /** The rows set aside as a file that can be mended and imported again, with row and reason. */
  function save() {
    const quote = (value) => `"${String(value ?? "").replaceAll('"', '""')}"`;
    const lines = [[...aside.headings, "row", "reason"], ...aside.rows.map((r) => [...aside.headings.map((h) => r.cells[h]), r.row, r.reason])];
    const body = `\ufeff${lines.map((line) => line.map(quote).join(",")).join("\r\n")}\r\n`;
    const link = el("a", { href: URL.createObjectURL(new Blob([body], { type: "text/csv" })), download: `${$("#file").files[0].name.replace(/\.[^.]*$/, "")}.rejected.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  $("#open-import").addEventListener("click", () => $("#import").showModal());
  $("#file").addEventListener("change", () => { take.disabled = true; $("#import-rows").replaceChildren(); said(""); });
  $("#import-form").addEventListener("submit", (event) => { event.preventDefault(); run(true); });
  take.addEventListener("click", () => run(false));
}
