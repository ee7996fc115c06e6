/** How the desk names things, in both languages. */

import { t } from "../staff/words.ts";

const REASONS: Record<string, [string, string]> = {
  low_confidence: ["没有把握", "Not sure"],
  unanswerable: ["资料里没有", "Not in the knowledge"],
  asked_for_human: ["要求人工", "Asked for a person"],
  repeated_question: ["重复提问", "Asked again"],
  anger: ["情绪激动", "Upset"],
  sensitive_topic: ["敏感话题", "Sensitive"],
  tool_failed: ["没查到", "Look-up failed"],
  model_down: ["模型不可用", "Model down"],
  index_down: ["检索不可用", "Index down"],
  policy: ["人工模式", "Shop mode"],
  agent_vanished: ["客服掉线", "Colleague lost"],
  transferred: ["同事转来", "Passed on"],
};

const STATUS: Record<string, [string, string]> = {
  open: ["机器人接待", "With the bot"],
  waiting_for_agent: ["排队中", "Waiting"],
  with_agent: ["人工接待", "With a person"],
  closed: ["已结束", "Closed"],
};

export const MODES: Record<string, [string, string, string, string]> = {
  auto: ["全自动", "Full auto", "机器人回答，遇事转人工。", "The bot answers, and calls a person when there is a reason."],
  assist: ["人机协同", "Assist", "客服回答每一条，机器人只起草。", "People answer every message; the bot only drafts for them."],
  human_first: ["人工优先", "People first", "有客服空闲就由人回答，没有才由机器人回答。", "A person answers when one is free; the bot while none is."],
  off: ["关闭机器人", "Bot off", "只有人回答，也不起草。", "People answer alone: no replies, no drafts."],
};

export const OUTCOMES: Record<string, [string, string]> = {
  solved: ["已解决", "Solved"],
  unsolved: ["未解决", "Not solved"],
  follow_up: ["待跟进", "To follow up"],
  no_reply: ["顾客未回复", "Shopper went silent"],
  spam: ["无效会话", "Spam"],
};

const DECISIONS: Record<string, [string, string]> = {
  answer: ["回答", "answered"],
  clarify: ["反问", "asked back"],
  tool: ["查了", "looked up"],
  handoff: ["转人工", "handed over"],
  refuse: ["谢绝", "declined"],
  smalltalk: ["寒暄", "small talk"],
};

const pick = (pair: [string, string] | undefined, raw: string) => (pair ? t(pair[0], pair[1]) : raw);
export const reason = (code: string) => pick(REASONS[code], code);
export const status = (code: string) => pick(STATUS[code], code);
export const outcome = (code: string) => pick(OUTCOMES[code], code);
export const decision = (code: string) => pick(DECISIONS[code], code);
export const mode = (code: string) => {
  const words = MODES[code];
  return words ? t(words[0], words[1]) : code;
};

/** How long ago, in as few letters as can be. */
export function ago(iso: string): string {
  const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
  if (!iso || Number.isNaN(seconds)) return "";
  if (seconds < 60) return t(`${Math.floor(seconds)} 秒`, `${Math.floor(seconds)} s`);
  if (seconds < 3600) return t(`${Math.floor(seconds / 60)} 分钟`, `${Math.floor(seconds / 60)} min`);
  if (seconds < 86_400) return t(`${Math.floor(seconds / 3600)} 小时`, `${Math.floor(seconds / 3600)} h`);
  return new Date(iso).toLocaleDateString();
}

export const clock = (iso: string) => new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** What a shopper is called who has no name: the end of the conversation's id. */
export const shopperName = (id: string) => `${t("顾客", "Shopper")} ${id.slice(-4).toUpperCase()}`;
