// Small helpers to build and update the page; texts are always set as text, never as markup.

export const $ = (selector, root = document) => root.querySelector(selector);

/** Return an element: `options` are properties, `class`, `data-*`/`aria-*`/`role` attributes and `on*` handlers. */
export function el(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || value === null) continue;
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.includes("-") || key === "role" || key === "for") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return element;
}

const drawn = new WeakMap();

/** Draw `host` with `build()` only when `data` differs from what it shows; `marked` flashes so that eyes find it. */
export function draw(host, data, build, marked = host) {
  const key = JSON.stringify(data ?? null);
  if (drawn.get(host) === key) return false;
  const first = !drawn.has(host);
  drawn.set(host, key);
  host.replaceChildren(...build().filter((c) => c !== null));
  host.scrollTop = 0;
  if (!first && data && marked) {
    marked.classList.remove("changed");
    void marked.offsetWidth;
    marked.classList.add("changed");
  }
  return true;
}

let pressed = null;
const released = () => setTimeout(() => { pressed?.resolve(); pressed = null; });
document.addEventListener("pointerdown", (event) => {
  if (event.button === 0 && !event.target.closest?.("select")) pressed ??= Promise.withResolvers?.() ?? deferred();
}, true);
for (const over of ["pointerup", "pointercancel", "contextmenu"]) document.addEventListener(over, released, true);
window.addEventListener("blur", released);
// a release that another window took is noticed by the next move: nothing may wait for it for ever
document.addEventListener("pointermove", (event) => { if (pressed && !event.buttons) released(); }, true);

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => { made.resolve = resolve; });
  return made;
}

/** Resolve when no button of the mouse is down: what is drawn anew between press and release swallows the click. */
export const settled = () => pressed?.promise ?? Promise.resolve();

/** Say a probability in words: [class, words]. */
export function sure(p) {
  if (p >= 0.85) return ["high", "很有把握"];
  return p >= 0.6 ? ["middle", "较有把握"] : ["low", "没把握"];
}

/** Set the badge `part` of a card; empty words hide it without moving anything. */
export function badge(card, part, kind, words) {
  const element = $(`.badge.${part}`, card);
  if (element.textContent !== words) element.textContent = words;
  element.className = `badge ${part} ${kind}`;
}

/** Copy text; pages of an intranet without https have no clipboard object, so the old way stays as second. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const back = document.activeElement;
    const area = el("textarea", { value: text, class: "unseen", "aria-hidden": "true" });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    back?.focus();
    return done;
  }
}
