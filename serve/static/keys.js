// The keyboard: Alt+key and Ctrl+Enter work while typing and never produce text; `?` lists them.
import { $, el } from "./dom.js";

export const SHORTCUTS = [
  ["Ctrl+Enter", "全部采纳(分类、派单、答复、类型)", "all"],
  ["Alt+1", "采纳答复", "answer.accept"], ["Alt+Q", "答复不对,改选", "answer.correct"], ["Alt+A", "答复不确定", "answer.unsure"],
  ["Alt+2", "采纳分类", "category.accept"], ["Alt+W", "改分类", "category.correct"], ["Alt+S", "分类不确定", "category.unsure"],
  ["Alt+3", "采纳派单", "route.accept"], ["Alt+E", "改派单", "route.correct"], ["Alt+D", "派单不确定", "route.unsure"],
  ["Alt+C", "复制答复", "copy"], ["Alt+R", "展开或收起派单理由", "why"], ["Alt+T", "下一件诉求", "next"],
  ["Alt+Z", "撤销上一步", "undo"], ["Alt+N", "新来电(清空,可撤销)", "new"], ["Alt+I", "回到来电内容", "focus"],
  ["?", "显示本表(打字时用 F1)", "help"],
];

const NAMED = { Enter: "Enter", NumpadEnter: "Enter" };

function pressed(event) {
  const key = NAMED[event.code] ?? event.code.replace(/^(Key|Digit|Numpad)/, "");
  if (event.ctrlKey && !event.altKey && key === "Enter") return "Ctrl+Enter";
  if (event.altKey && !event.ctrlKey && !event.metaKey) return `Alt+${key}`;
  if (event.code === "F1") return "?";
  const typing = event.target.closest?.("textarea, input, select");
  return !typing && (event.key === "?" || event.key === "\uff1f") ? "?" : "";
}

export function listen(run) {
  const actions = new Map(SHORTCUTS.map(([key, , action]) => [key, action]));
  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const action = actions.get(pressed(event));
    if (!action) return;
    event.preventDefault();
    if (!event.repeat) run(action);
  });
  const rows = SHORTCUTS.map(([key, words]) => [el("td", {}, el("kbd", {}, key)), el("td", {}, words)]);
  const half = Math.ceil(rows.length / 2);
  $("#help table").append(...rows.slice(0, half).map((row, i) => el("tr", {}, ...row, ...(rows[i + half] ?? []))));
}
