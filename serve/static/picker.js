// A list over a card to choose from: search as one types, arrows and Enter, Esc to leave; nothing else moves.
import { el } from "./dom.js";

let leave = null;

/** Open over `card`; `search(q)` gives items {code, name, names?}; `pick(item)` returns true to stay open. */
export function open(card, { title, hint, search, pick, closed }) {
  close();
  const list = el("ul", { role: "listbox", id: "picker-list", "aria-label": title });
  const input = el("input", {
    type: "text", role: "combobox", autocomplete: "off", placeholder: "名称、拼音、首字母或代码",
    "aria-label": title, "aria-expanded": "true", "aria-controls": "picker-list", "aria-autocomplete": "list",
  });
  const box = el(
    "div", { id: "picker", role: "group", "aria-label": title },
    el("strong", {}, title), input, list,
    el("div", { class: "hint soft" }, hint ?? "↑ ↓ 选择,回车确定,Esc 退出"),
  );
  let items = [];
  let at = 0;
  let asked = 0;
  let filling = null;

  function mark(next) {
    at = Math.max(0, Math.min(items.length - 1, next));
    [...list.children].forEach((li, i) => li.setAttribute("aria-selected", String(i === at)));
    const chosen = list.children[at];
    if (chosen?.id) {
      input.setAttribute("aria-activedescendant", chosen.id);
      chosen.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  const fill = () => { filling = filled(++asked); };

  async function filled(mine) {
    const found = await search(input.value.trim()).catch(() => null);
    if (mine !== asked || !box.isConnected) return;
    items = found ?? [];
    const empty = el("li", { role: "option", "aria-disabled": "true", class: "soft" }, found ? "没有匹配的" : "连不上服务");
    list.replaceChildren(...(items.length ? items.map(row) : [empty]));
    mark(0);
  }

  function row(item, i) {
    const path = (item.names ?? []).slice(0, -1).join(" › ");
    return el(
      "li", { role: "option", id: `pick-${i}`, "aria-selected": "false", onmousedown: (e) => { e.preventDefault(); choose(i); } },
      el("b", {}, item.name), el("code", {}, item.code), path ? el("small", {}, path) : null,
    );
  }

  /** Take what is marked, once the list is that of the words typed: Enter may come before the list does. */
  async function enter() {
    const mine = asked;
    await filling;
    if (mine === asked && box.isConnected) choose(at);
  }

  function choose(i) {
    if (items[i] && !pick(items[i])) close();
  }

  input.addEventListener("input", fill);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 8, PageUp: at - 8 };
    if (event.key in moves) mark(moves[event.key]);
    else if (event.key === "Enter" && !event.ctrlKey) enter();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  input.addEventListener("blur", () => setTimeout(() => box.isConnected && !box.contains(document.activeElement) && document.hasFocus() && close(), 100));
  const from = document.activeElement;
  leave = () => {
    box.remove();
    if (document.activeElement === document.body) from?.focus?.();
    closed?.();
  };
  card.append(box);
  input.focus();
  fill();
}

export function close() {
  const last = leave;
  leave = null;
  last?.();
}

