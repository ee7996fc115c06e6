/** The form in which one row is edited where it stands: an FAQ row, a section of a policy, or a product's values. */

import { h } from "../dom.ts";
import { t } from "../staff/words.ts";
import type { Fields } from "./rows.ts";

const EMOJI = ["😊", "🙏", "👍", "🎉", "❤️", "🌟", "📦", "🚚", "⏰", "💰", "🧾", "📏", "👕", "🍼", "✅", "⚠️"];
const MOST_RELATED = 5;

/** A form over fields; `read` gives only those that the editor changed. */
export interface RowForm {
  element: HTMLElement;
  read: () => Fields;
  /** Puts other fields in, as when somebody else was faster. */
  fill: (fields: Fields) => void;
}

export function rowForm(kind: string, fields: Fields, sections: string[] = []): RowForm {
  if (kind === "faq") return faqForm(fields, sections);
  return kind === "product" ? valuesForm(fields) : textForm(fields);
}

function faqForm(start: Fields, sections: string[]): RowForm {
  const question = h("input", { required: true, maxlength: "500" });
  const answer = h("textarea", { rows: "4", required: true, maxlength: "20000" });
  const phrasings = h("textarea", { rows: "4" });
  const related = h("textarea", { rows: "3" });
  const section = h("input", { list: "sections", maxlength: "200" });
  const from = h("input", { placeholder: "2026-11-01", inputmode: "numeric" });
  const until = h("input", { placeholder: "2026-11-11", inputmode: "numeric" });
  const told = h("small", {});
  const count = () => {
    const many = lines(phrasings).length;
    const next = lines(related).length;
    told.textContent = t(`${many} 种问法`, `${many} phrasings`) + (next ? t(` · ${next} / ${MOST_RELATED} 个关联`, ` · ${next} of ${MOST_RELATED} related`) : "");
    related.setCustomValidity(next > MOST_RELATED ? t("最多 5 个关联问题", "At most 5 related questions") : "");
  };
  phrasings.addEventListener("input", count);
  related.addEventListener("input", count);
  const parts: Record<string, HTMLInputElement | HTMLTextAreaElement> = { question, answer, phrasings, related, section, valid_from: from, valid_until: until };
  const element = h(
    "div",
    { class: "stack" },
    h("label", {}, t("问题", "Question"), question),
    h("div", { class: "stack tight" }, h("label", {}, t("答案", "Answer"), answer), emojiBar(answer)),
    h("div", { class: "pair" }, h("label", {}, t("相似问法（一行一个）", "Other phrasings (a line each)"), phrasings), h("label", {}, t("接着推荐（一行一个，最多 5 个）", "Suggest next (a line each, 5 at most)"), related)),
    told,
    h("div", { class: "pair three" }, h("label", {}, t("分类", "Section"), section, h("datalist", { id: "sections" }, ...sections.map((name) => h("option", { value: name })))), h("label", {}, t("从哪天起有效（空 = 一直）", "Valid from (empty = always)"), from), h("label", {}, t("到哪天为止（含当天）", "Valid until (that day counts)"), until)),
  );
  let before = start;
  const fill = (fields: Fields) => {
    before = fields;
    for (const [name, part] of Object.entries(parts)) part.value = shownText(fields[name]);
    count();
  };
  fill(start);
  const read = () => {
    const changed: Fields = {};
    for (const [name, part] of Object.entries(parts)) {
      const value = name === "phrasings" || name === "related" ? lines(part) : part.value.trim();
      if (JSON.stringify(value) !== JSON.stringify(before[name] ?? (Array.isArray(value) ? [] : ""))) changed[name] = value;
    }
    return changed;
  };
  return { element, read, fill };
}

function textForm(start: Fields): RowForm {
  const text = h("textarea", { rows: "10", required: true });
  let before = start;
  const fill = (fields: Fields) => {
    before = fields;
    text.value = shownText(fields.text);
  };
  fill(start);
  return { element: h("div", { class: "stack tight" }, h("label", {}, t("正文（表格用 Markdown）", "Text (tables in Markdown)"), text), emojiBar(text)), read: (): Fields => (text.value === before.text ? ({} as Fields) : { text: text.value }), fill };
}

function valuesForm(start: Fields): RowForm {
  const inputs = new Map<string, HTMLInputElement>();
  const element = h("div", { class: "pair" });
  let before: Record<string, string> = {};
  const fill = (fields: Fields) => {
    before = (fields.values ?? {}) as Record<string, string>;
    for (const [name, value] of Object.entries(before)) {
      let input = inputs.get(name);
      if (!input) {
        input = h("input", {});
        inputs.set(name, input);
        element.append(h("label", {}, name, input));
      }
      input.value = value;
    }
  };
  fill(start);
  const read = (): Fields => {
    const changed = [...inputs].filter(([name, input]) => input.value.trim() !== (before[name] ?? "")).map(([name, input]) => [name, input.value.trim()]);
    return changed.length ? { values: Object.fromEntries(changed) as Record<string, string> } : {};
  };
  return { element, read, fill };
}

function emojiBar(target: HTMLTextAreaElement): HTMLElement {
  const put = (emoji: string) => {
    target.setRangeText(emoji, target.selectionStart, target.selectionEnd, "end");
    target.dispatchEvent(new Event("input", { bubbles: true }));
    target.focus();
  };
  return h("div", { class: "emoji", role: "group", "aria-label": t("表情", "Emoji") }, ...EMOJI.map((emoji) => h("button", { type: "button", onclick: () => put(emoji) }, emoji)));
}

function lines(part: { value: string }): string[] {
  return part.value.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** A field as text: lists line by line, values as "name: value". */
export function shownText(value: Fields[string] | undefined): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.join("\n");
  return typeof value === "string" ? value : Object.entries(value).map(([name, one]) => `${name}：${one}`).join("\n");
}

export function fieldName(name: string): string {
  const names: Record<string, string> = {
    question: t("问题", "Question"),
    answer: t("答案", "Answer"),
    phrasings: t("相似问法", "Phrasings"),
    related: t("关联问题", "Related"),
    section: t("分类", "Section"),
    valid_from: t("生效", "Valid from"),
    valid_until: t("失效", "Valid until"),
    text: t("正文", "Text"),
    values: t("属性", "Values"),
  };
  return names[name] ?? name;
}
