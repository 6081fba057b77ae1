// Versions of an entry on the desk: what changed from one to the next, any two side by side, restoring one.
import { $, el } from "./dom.js";
import { said } from "./kb_words.js";

const DONE = { create: "新建", edit: "修改", restore: "恢复旧版", submit: "送审", return: "退回", publish: "发布", retire: "停用", reopen: "重开", import: "导入" };

function differences(before, after, names) {
  const changed = Object.keys(after).filter((k) => after[k] !== before[k]);
  return [changed, changed.map((k) => el("p", { class: "diff" }, `${names[k] ?? k}:`, el("del", {}, said(k, before[k]) || "(空)"), " → ", el("ins", {}, said(k, after[k]) || "(空)")))];
}

/** Draw versions, the newest first; `restore(revision)` makes an old one a draft again. */
export function drawVersions(items, names, restore) {
  const rows = items.map((v, i) => {
    const [changed, shown] = items[i + 1] ? differences(items[i + 1].entry, v.entry, names) : [[], []];
    return el("li", {},
      el("div", { class: "row" },
        el("span", {}, `修订 ${v.revision} · ${DONE[v.action] ?? v.action} · ${v.who}`),
        i === 0 ? el("span", { class: "badge" }, "当前") : el("button", { type: "button", onclick: () => restore(v.revision) }, "恢复")),
      el("p", { class: "soft" }, `${new Date(v.at).toLocaleString("zh-CN")} · ${v.why}`),
      shown.length ? el("details", {}, el("summary", {}, `与上一版相比改了 ${changed.map((k) => names[k] ?? k).join("、")}`), ...shown) : "");
  });
  $("#versions").replaceChildren(...(items.length > 2 ? [comparison(items, names)] : []), el("ol", {}, ...rows));
}

function comparison(items, names) {
  const pick = (label, at) => {
    const select = el("select", { "aria-label": label }, ...items.map((v) => el("option", { value: v.revision }, `修订 ${v.revision}`)));
    select.value = items[at].revision;
    return select;
  };
  const [from, to] = [pick("比较的前一版", items.length - 1), pick("比较的后一版", 0)];
  const result = el("div", { id: "compared", "aria-live": "polite" });
  const show = () => {
    const [before, after] = [from, to].map((s) => items.find((v) => String(v.revision) === s.value).entry);
    const [, shown] = differences(before, after, names);
    result.replaceChildren(...(shown.length ? shown : [el("p", { class: "soft" }, "两版内容相同。")]));
  };
  const button = el("button", { type: "button", onclick: show }, "比较");
  return el("div", {}, el("div", { class: "compare" }, from, "→", to, button), result);
}
