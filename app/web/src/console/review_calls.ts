/** The review queue as the server tells it, and the calls that settle what is in it. */

import { get, post } from "../staff/api.ts";
import { toast } from "../staff/feedback.ts";
import { attempt } from "../staff/feedback.ts";
import { t } from "../staff/words.ts";
import type { Fields, Row } from "./rows.ts";

/** A turn that is looked at again. */
export interface Item {
  id: number;
  conversation_id: string;
  kinds: string[];
  reason: string;
  decision: string;
  confidence: number;
  language: string;
  release: number;
  at: string;
  state: "open" | "done";
  outcome: string;
  done_by: string;
  done_at: string;
  question: string;
  reply: string;
  answers: string[];
  agent: string;
  comment: string;
}

export interface FullItem extends Item {
  before: { role: string; text: string }[];
  drafted: string;
  rows: Row[];
  suggested: { question: string; answer: string; masked: boolean };
}

export interface Queue {
  counts: Record<string, number>;
  total: number;
  items: Item[];
}

export interface Drafted {
  id: string;
  question: string;
  answer: string;
  phrasings: string[];
  variants: string[];
  shoppers: number;
  times: number;
  last_at: string;
  decisions: Record<string, number>;
  items: number[];
  covered: (Row & { share: number }) | null;
}

export interface Again extends Item {
  before: { decision: string; confidence: number; release: number; text: string };
  after: { decision: string; confidence: number; release: number; row: string };
  verdict: "better" | "same" | "worse" | "unasked";
}

export interface EffectTold {
  release: number | null;
  waiting: number;
  asking: { done: number; total: number };
  counts: Record<string, number>;
  items: Again[];
}

const BASE = "/v1/knowledge/review";
type Settled = { items: Item[]; key?: string };

export const review = {
  list: (wanted: Record<string, string | number | undefined>) => get<Queue>(BASE, wanted),
  one: (id: number) => get<FullItem>(`${BASE}/${id}`),
  settle: (id: number, action: string, more: Record<string, unknown> = {}) => post<Settled>(`${BASE}/${id}/settle`, { action, ...more }),
  correct: (ids: number[]) => post<Settled>(`${BASE}/correct`, { ids }),
  undo: (id: number) => post<Settled>(`${BASE}/${id}/undo`),
  drafts: () => get<{ reading: { done: number; total: number }; drafts: Drafted[] }>(`${BASE}/drafts`),
  approve: (ids: number[], fields: Fields, into?: Row) => post<Settled>(`${BASE}/drafts/approve`, { ids, fields, ...(into ? { key: into.key, version: into.version } : {}) }),
  dismiss: (ids: number[]) => post<Settled>(`${BASE}/drafts/dismiss`, { ids }),
  effect: () => get<EffectTold>(`${BASE}/effect`),
};

/** Says what was done and offers to take it back. */
export function undoable(text: string, id: number, after: () => void): void {
  const undo = () => void attempt(async () => (await review.undo(id), toast(t("已撤销", "Undone")), after()));
  toast(text, "good", { label: t("撤销", "Undo"), run: undo });
}

export function kindOfItem(kind: string): string {
  const names: Record<string, string> = {
    thumbs_down: t("点踩", "Thumbs down"),
    low_confidence: t("没把握", "Not sure"),
    handoff: t("转人工", "Handed over"),
    correction: t("人工改过", "Corrected"),
    answered: t("人工答过", "Answered by a person"),
  };
  return names[kind] ?? kind;
}

export function outcomeName(outcome: string): string {
  const names: Record<string, string> = {
    edit: t("改了答案", "Row edited"),
    row: t("新增问答", "Row added"),
    phrasing: t("加了问法", "Phrasing added"),
    sample: t("做成评测题", "Made a sample"),
    correct: t("本来就对", "Right as it was"),
  };
  return names[outcome] ?? outcome;
}
