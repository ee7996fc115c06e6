/** How kinds, decisions and reasons are called by those who work here. */

import { h } from "../dom.ts";
import { t } from "../staff/words.ts";

export function kindName(kind: string): string {
  return ({ faq: t("问答", "FAQ"), policy: t("规则", "Policy"), product: t("商品", "Product") } as Record<string, string>)[kind] ?? kind;
}

const DECISIONS: Record<string, [string, string, string]> = {
  answer: ["回答", "Answer", "good"],
  tool: ["查订单", "Looks up the order", "good"],
  clarify: ["反问一句", "Asks back", "warn"],
  handoff: ["转人工", "Hands over", "warn"],
  refuse: ["拒绝", "Refuses", "bad"],
  smalltalk: ["闲聊", "Small talk", "info"],
};

export function decisionName(decision: string): string {
  const [zh, en] = DECISIONS[decision] ?? [decision, decision];
  return t(zh, en);
}

export function decisionBadge(decision: string): HTMLElement {
  return h("span", { class: `badge ${DECISIONS[decision]?.[2] ?? ""}` }, decisionName(decision));
}

/** Why somebody else should answer, in words. */
export function reasonName(reason: string): string {
  const reasons: Record<string, string> = {
    low_confidence: t("没有足够把握", "not sure enough"),
    asked_for_human: t("顾客要找人工", "the shopper asked for a person"),
    anger: t("顾客在生气或投诉", "the shopper is angry or complains"),
    sensitive_topic: t("敏感话题（健康、法律等）", "a sensitive topic (health, law, …)"),
    unanswerable: t("资料里没有写", "the knowledge does not say"),
    repeated_question: t("同一个问题又问了一遍", "the same question was asked again"),
    index_down: t("检索暂时不可用", "search is down"),
    model_down: t("模型暂时不可用", "the model is down"),
    tool_failed: t("工具没有查到", "a tool failed"),
    injection: t("像是在给小二下命令", "it reads like orders to the assistant"),
    off_topic: t("和店铺无关", "it is not about the shop"),
  };
  return reasons[reason] ?? reason.replaceAll("_", " ");
}

/** Where something stands in its source, in words: the file, and the row, heading or SKU in it. */
export function placeName(path: string, locator: string): string {
  const row = /^(.*?)row (\d+) \| /.exec(locator);
  const file = path.replace(/^@uploads\//, t("上传：", "uploaded: ")).replace(/^@console\/.*/, t("后台新增", "added here"));
  return [file, row ? `${row[1]}${t(`第 ${row[2]} 行`, `row ${row[2]}`)}` : locator].filter(Boolean).join(" · ");
}
