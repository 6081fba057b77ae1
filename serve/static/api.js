// Talking to the service: one place that knows what an error looks like and when the service is back.

/** A reply that is no success; `down` = the service is gone or broken, so the same request may work later. */
export class Problem extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
    this.down = status === 0 || status >= 500;
  }
}

export async function ask(method, path, body, seconds = 8) {
  let reply;
  try {
    reply = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(seconds * 1000),
    });
  } catch {
    throw new Problem("连不上服务");
  }
  const content = await reply.json().catch(() => ({}));
  if (reply.ok) return content;
  const said = { 401: "请先登录", 403: "没有权限", 429: "请求太快,稍等再试" }[reply.status];
  throw new Problem(said ?? content.detail ?? `服务出错(${reply.status})`, reply.status);
}

export const get = (path) => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);
export const put = (path, body) => ask("PUT", path, body);

let waiting = null;

/** Resolve when the service answers again; asks every second. */
export function back() {
  waiting ??= (async () => {
    for (;;) {
      await new Promise((done) => setTimeout(done, 1000));
      try {
        await ask("GET", "readyz", undefined, 3);
        waiting = null;
        return;
      } catch { /* not yet */ }
    }
  })();
  return waiting;
}
