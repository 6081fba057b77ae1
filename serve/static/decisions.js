// The operator's choices: kept per request of the call, sent as feedback, undone in groups.
import { Problem, back, post } from "./api.js";

export const FIELD_NAMES = { answer: "答复", category: "分类", route: "派单", request_type: "类型" };

export class Decisions {
  /** `told(words, bad)` shows what became of a choice. */
  constructor(told) {
    this.told = told;
    this.sending = Promise.resolve();
    this.latest = "";
    this.reset();
  }

  reset(tabs = [], steps = []) {
    this.tabs = tabs;
    this.steps = steps;
  }

  of(tab) {
    return (this.tabs[tab] ??= {});
  }

  /** Record choices [{field, verdict, value, proposed, label, ...what the card shows}] of one keystroke. */
  make(tab, call, choices, words) {
    const before = choices.map(({ field }) => [field, this.of(tab)[field]]);
    for (const choice of choices) this.of(tab)[choice.field] = choice;
    this.steps.push({ tab, before, call, choices });
    this.#send(choices.map((c) => feedback(call, c)), words);
  }

  /** Take back the last step; returns {tab} or null. The service learns that the choice no longer stands. */
  undo() {
    const step = this.steps.pop();
    if (!step) return null;
    if (step.restore) {
      step.restore();
      return step;
    }
    for (const [field, decision] of step.before) {
      if (decision) this.of(step.tab)[field] = decision;
      else delete this.of(step.tab)[field];
    }
    const names = step.choices.map((c) => FIELD_NAMES[c.field]).join("、");
    const withdrawn = step.choices.map((c) => ({ ...feedback(step.call, c), verdict: "unsure", value: "", note: "撤销上一条" }));
    this.#send(withdrawn, `已撤销:${names}`);
    return step;
  }

  /** Send after what was decided before: a choice and what takes it back must arrive in this order. */
  #send(rows, words) {
    this.latest = words;
    this.told(words);
    const keys = rows.map(unique);
    this.sending = this.sending.then(() => this.#stored(rows, words, keys));
  }

  async #stored(rows, words, keys) {
    for (;;) {
      try {
        for (const [i, row] of rows.entries()) await post("v1/feedback", row, { "idempotency-key": keys[i] });
        if (this.latest === words) this.told(`${words} · 已记录`);
        return;
      } catch (problem) {
        const down = problem instanceof Problem && problem.down;
        this.told(`${words} · 未保存${down ? ",恢复后补记" : problem.status === 404 ? "" : `:${problem.message}`}`, true);
        if (!down) return;
        await back();
      }
    }
  }
}

const unique = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

function feedback(call, c) {
  return { call_id: call.call_id ?? "", text: call.text, field: c.field, verdict: c.verdict, value: c.value, proposed: c.proposed, note: c.note ?? "" };
}
