// A call that the platform transcribes: follows its events and puts the words into the text box.

/** Follow session `id`; `heard(text)` gets the whole transcript, `state(words)` the state of the connection. */
export function follow(id, heard, state) {
  const source = new EventSource(`v1/sessions/${encodeURIComponent(id)}/events`);
  source.addEventListener("open", () => state(`通话 ${id} 已接入`));
  source.addEventListener("transcript", (event) => heard(JSON.parse(event.data).text));
  source.addEventListener("error", () => {
    state(`通话 ${id} 断开,正在重连`);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(id, heard, state), 1000);
  });
}

/** Return the text of the box after the transcript grew from `before` to `now`; what the operator typed stays. */
export function merge(shown, before, now) {
  if (!shown.trim() || shown === before) return now;
  if (shown.startsWith(before)) return now + shown.slice(before.length);
  return now.startsWith(before) ? shown + now.slice(before.length) : shown;
}
