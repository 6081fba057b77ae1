// Words for the codes that entries hold: what people read and type in their place.

const WORDS = {
  status: { draft: "草稿", review: "待审", published: "已发布", retired: "已停用" },
  verification: { law: "法律法规", official: "官方公布", media: "媒体报道", memory: "凭经验书写", pending: "待核定" },
};

/** What is read in place of a value of field `key`; a city's own words stay as they are. */
export const said = (key, value) => WORDS[key]?.[value] ?? value ?? "";

/** The value that is stored for what was typed. */
export const stored = (key, words) => Object.entries(WORDS[key] ?? {}).find(([, w]) => w === words.trim())?.[0] ?? words;

/** The words to choose from. */
export const choices = (key) => Object.values(WORDS[key] ?? {});
