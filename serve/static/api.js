// Talking to the service: one place that knows errors, the login, and when the service is back.
import { el } from "./dom.js";

/** A reply that is no success; `down` = the service is gone or broken, so the same request may work later. */
export class Problem extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
    this.down = status === 0 || status >= 500;
  }
}

/** The token of the login; a page framed by another site may be denied the storage, and keeps it while it is open. */
const token = {
  kept: "",
  get() {
    try { return sessionStorage.getItem("csrf") ?? this.kept; } catch { return this.kept; }
  },
  set(value) {
    this.kept = value;
    try { sessionStorage.setItem("csrf", value); } catch { /* kept above */ }
  },
};

const SAID = { 401: "请先登录", 403: "没有权限", 429: "请求太快,稍等再试" };

/** Ask with a body that is sent as it is, such as a file. */
export const send = (method, path, body, headers = {}, seconds = 60) => ask(method, path, body, headers, seconds);

async function request(method, path, body, more, seconds) {
  const headers = { ...more };
  const whole = body instanceof Blob;
  if (body !== undefined && !whole) headers["content-type"] = "application/json";
  const csrf = token.get();
  if (csrf && method !== "GET") headers["x-csrf-token"] = csrf;
  try {
    return await fetch(path, {
      method, headers, body: body === undefined || whole ? body : JSON.stringify(body), signal: AbortSignal.timeout(seconds * 1000),
    });
  } catch (error) {
    throw new Problem(error?.name === "TimeoutError" ? `服务 ${seconds} 秒没有回答` : "连不上服务");
  }
}

export async function ask(method, path, body, headers = {}, seconds = 8) {
  const before = logins;
  let reply = await request(method, path, body, headers, seconds);
  if (reply.status === 401 && path !== "v1/session") {
    if (logins === before) await login(); // a refusal that comes after another request's login needs no second one
    reply = await request(method, path, body, headers, seconds);
  }
  const content = await reply.json().catch(() => ({}));
  if (reply.ok) return content;
  const detail = typeof content.detail === "string" ? content.detail : "";
  throw new Problem(SAID[reply.status] ?? (detail || `服务出错(${reply.status})`), reply.status);
}

export const get = (path, seconds) => ask("GET", path, undefined, {}, seconds);
export const post = (path, body, headers) => ask("POST", path, body, headers);
export const put = (path, body, headers) => ask("PUT", path, body, headers);

/**
 * Return a function that does `work(still, …)`: `still()` says whether it was not called again meanwhile, so that what
 * comes late leaves alone what is newer; a failure is given to `failed` only then.
 */
export function latest(work, failed) {
  let newest = 0;
  return async (...args) => {
    const mine = ++newest;
    const still = () => mine === newest;
    try { await work(still, ...args); } catch (problem) { if (still()) failed(problem); }
  };
}

let asking = null;
let logins = 0;

/** Ask for the key that the service demands; resolves once it was accepted. */
function login() {
  asking ??= new Promise((done) => {
    const key = el("input", { type: "password", autocomplete: "current-password", required: true, id: "login-key" });
    const fault = el("p", { class: "warning", role: "alert", hidden: true });
    const form = el("form", {}, el("h2", {}, "登录"), el("label", { for: "login-key" }, "密钥 "), key, el("button", { class: "main" }, "登录"), fault);
    const dialog = el("dialog", { "aria-label": "登录", oncancel: (e) => e.preventDefault() }, form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const { csrf } = await ask("POST", "v1/session", { key: key.value });
        token.set(csrf ?? "");
        dialog.remove();
        asking = null;
        logins += 1;
        done();
      } catch (problem) {
        fault.textContent = problem.status === 401 ? "密钥不对、已过期或已停用" : problem.message;
        fault.hidden = false;
        key.select();
      }
    });
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}

let waiting = null;

/** Resolve when the service answers again; asks every second. */
export function back() {
  waiting ??= (async () => {
    for (;;) {
      await new Promise((done) => setTimeout(done, 1000));
      try {
        await ask("GET", "readyz", undefined, {}, 3);
        waiting = null;
        return;
      } catch { /* not yet */ }
    }
  })();
  return waiting;
}
