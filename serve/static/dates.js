// Days as Chinese desks write them, typed: a browser's own date field speaks the language of the browser, not the page's.
const WRITTEN = /^(?:(\d{4})\s*[-/.年]\s*)?(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?$/;
const RUN = /^(\d{4})(\d{2})(\d{2})$/;
const STEPS = { ArrowUp: 1, ArrowDown: -1, PageUp: 7, PageDown: -7 };
export const EXPECTED = "应为 2026-11-26 这样的日期";

const iso = (date) => date.toISOString().slice(0, 10);

/** Return a day as YYYY-MM-DD, "" for nothing and null for what is no day; a day without a year is of the year of `near`. */
export function day(words, near = new Date()) {
  const text = words.trim();
  if (!text) return "";
  const [, y, m, d] = text.match(WRITTEN) ?? text.match(RUN) ?? [];
  if (!d) return null;
  const made = `${y ?? near.getFullYear()}-${m.padStart(2, "0")}-${d.padStart(2, "0")}`;
  const date = new Date(`${made}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && iso(date) === made ? made : null;
}

export function moved(from, days) {
  const date = new Date(`${from}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return iso(date);
}

/**
 * Make a text field one for days: other ways to write a day become YYYY-MM-DD when it is left, arrows change it by a
 * day, page keys by a week. What is no day is marked, `told` gets the reason, and its `change` reaches nobody.
 */
export function dayField(input, told) {
  Object.assign(input, { type: "text", inputMode: "numeric", maxLength: 12, placeholder: "年-月-日", autocomplete: "off", title: "如 2026-11-26;↑ ↓ 改一天,PgUp PgDn 改一周" });
  input.classList.add("day");
  input.addEventListener("input", () => {
    clearTimeout(input.settling); // typing goes on after an arrow: what stands there is not yet meant
    fault(input, "");
  });
  input.addEventListener("change", (event) => {
    const found = day(input.value);
    if (found === null) {
      event.stopImmediatePropagation();
      fault(input, EXPECTED);
      told(`${EXPECTED},实为 ${input.value}`);
      return;
    }
    input.value = found;
    fault(input, "");
  });
  input.addEventListener("keydown", (event) => {
    const now = day(input.value);
    if (!(event.key in STEPS) || !now) return;
    event.preventDefault();
    input.value = moved(now, STEPS[event.key]);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.settling = setTimeout(() => input.dispatchEvent(new Event("change", { bubbles: true })), 250);
  });
  return input;
}

function fault(input, words) {
  input.setCustomValidity(words);
  input.setAttribute("aria-invalid", String(Boolean(words)));
}
