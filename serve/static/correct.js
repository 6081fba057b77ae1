// Correcting what was proposed: which list to choose from for each card, and what the choice means.
import { get, post } from "./api.js";
import { open } from "./picker.js";

const LEVELS = "一二三四五";
const find = async (query) => (await get(`v1/catalog/search?${new URLSearchParams(query)}`)).results;

/** Choose a category from level `i` (0 = first unsure one) downwards; every pick narrows the next level. */
export function category(desk, i) {
  const now = desk.decisions.category?.node ?? desk.decisions.category?.shown ?? desk.body?.category;
  const first = i ?? Math.min(desk.decisions.category?.node?.level ?? now?.depth ?? 0, 4);
  level(desk, first, now?.path ?? [], now?.path?.[first], null);
}

function level(desk, i, path, guess, chosen) {
  const under = path[i - 1] ?? "";
  let next = null;
  open(desk.card("category"), {
    title: `改第${LEVELS[i]}级${under ? "" : "(全部分类)"}`,
    hint: chosen ? `已选 ${chosen.names.at(-1)};Esc 就到这一级` : "↑ ↓ 选择,回车确定,Esc 退出;可跨级搜索",
    async search(q) {
      if (!q) {
        const here = await find({ level: i + 1, under });
        return [...here.filter((n) => n.code === guess), ...here.filter((n) => n.code !== guess)];
      }
      const [inside, all] = await Promise.all([under ? find({ q, under }) : [], find({ q })]);
      return [...inside, ...all.filter((n) => !inside.some((m) => m.code === n.code))];
    },
    pick(node) {
      next = node;
      return false;
    },
    closed() {
      if (next && next.level < 5) setTimeout(() => level(desk, next.level, next.path, null, next));
      else if (next ?? chosen) settle(desk, next ?? chosen);
    },
  });
}

/** Take one of the categories shown under 也可能. */
export async function alternative(desk, other) {
  const { place } = desk;
  const found = await find({ q: other.code }).catch((problem) => { desk.say(problem.message, true); return []; });
  const node = found.find((n) => n.code === other.code);
  if (node && place === desk.place) settle(desk, node);
}

async function settle(desk, node) {
  if (!desk.body) return; // the call was cleared while the list was open
  const proposed = desk.body.category;
  const choice = {
    field: "category", verdict: "correct", value: node.code, proposed: proposed?.code ?? "", node, shown: proposed,
  };
  const { text, places: { district } } = desk.body;
  desk.decide([choice], `分类改为 ${node.names.join(" › ")}`);
  try {
    choice.route = (await post("v1/catalog/route", { text, code: node.code, district })).route;
    desk.redraw();
  } catch { /* the earlier route stays */ }
}

export function route(desk) {
  const now = desk.decisions.category?.route ?? desk.body.route;
  const proposed = now.targets.filter((t) => t.role === "lead").map((t) => t.code || t.unit).join(";");
  const near = now.alternatives.map((t) => ({ code: t.code, name: t.unit, names: t.path }));
  open(desk.card("route"), {
    title: "改主办单位",
    search: async (q) => (q || !near.length ? find({ q, kind: "unit" }) : near),
    pick(unit) {
      desk.decide([{ field: "route", verdict: "correct", value: unit.code || unit.name, proposed, unit, shown: now }], `主办改为 ${unit.name}`);
    },
  });
}

export function answer(desk) {
  const { entries, answered } = desk.body.answers;
  const proposed = answered ? entries[0].entry_id : "";
  const none = { code: "", name: "都不对,知识库没有" };
  const rest = (answered ? entries.slice(1) : entries).map((e) => ({ code: e.entry_id, name: e.question, entry: e }));
  open(desk.card("answer"), {
    title: "哪一条才对",
    search: async (q) => [...rest, none].filter((x) => !q || x.name.includes(q) || x.code.toLowerCase() === q.toLowerCase()),
    pick(item) {
      const full = item.entry?.answer ? { answered: true, entries: [{ ...item.entry }] } : { answered: false, entries };
      desk.decide([{ field: "answer", verdict: "correct", value: item.code, proposed, shown: full }], item.code ? `答复改为 ${item.code}` : "已记下:知识库没有这个答复");
    },
  });
}
