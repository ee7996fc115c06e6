/** One turn opened: what was said, and the steps that deal with it. */

import { h } from "../dom.ts";
import { attempt } from "../staff/feedback.ts";
import { t } from "../staff/words.ts";
import { placeName } from "./kinds.ts";
import { type FullItem, outcomeName, review } from "./review_calls.ts";
import { rowForm } from "./row_form.ts";
import { type Row, rows } from "./rows.ts";

/** `done` is told what was done, `closed` that it may be put away. */
export function itemView(item: FullItem, done: (text: string) => void, closed: () => void): HTMLElement {
  const place = h("div", {});
  const element = h(
    "div",
    { class: "row-editor stack" },
    talk(item),
    item.state === "done" ? settled(item, done) : h("div", { class: "stack" }, steps(item, place, done, closed), place),
  );
  element.addEventListener("keydown", (event) => event.key === "Escape" && closed());
  return element;
}

function talk(item: FullItem): HTMLElement {
  const said = (role: string, text: string) => (text ? h("p", { class: role === "shopper" ? "chat-own" : "chat-bot" }, role === "agent" ? `${item.agent || t("客服", "Agent")}：${text}` : text) : "");
  return h(
    "div",
    { class: "chat-log" },
    ...(item.before.length ? [h("details", {}, h("summary", {}, t(`前面的 ${item.before.length} 句`, `${item.before.length} before it`)), h("div", { class: "chat-log" }, ...item.before.map(({ role, text }) => said(role, text))))] : []),
    said("shopper", item.question),
    said("bot", item.reply),
    item.drafted && item.drafted !== item.reply ? h("p", { class: "chat-note" }, t(`小二拟的草稿：${item.drafted}`, `The bot's draft: ${item.drafted}`)) : "",
    ...item.answers.map((text) => said("agent", text)),
    item.comment ? h("p", { class: "chat-note" }, t(`顾客的话：${item.comment}`, `The shopper's comment: ${item.comment}`)) : "",
  );
}

function settled(item: FullItem, done: (text: string) => void): HTMLElement {
  const undo = h("button", { type: "button" }, t("撤销这一步", "Undo this step"));
  undo.addEventListener("click", () => attempt(async () => (await review.undo(item.id), done(t("已撤销，回到待处理", "Undone; it is open again"))), undo));
  return h("div", { class: "row apart" }, h("p", {}, `${outcomeName(item.outcome)} · ${item.done_by}`), undo);
}

function steps(item: FullItem, place: HTMLElement, done: (text: string) => void, closed: () => void): HTMLElement {
  const step = (text: string, build: () => HTMLElement) => h("button", { type: "button", onclick: () => (place.replaceChildren(build()), place.querySelector<HTMLElement>("input, textarea")?.focus()) }, text);
  const right = h("button", { type: "button", class: "primary" }, t("本来就对", "Right as it was"));
  right.addEventListener("click", () => attempt(async () => (await review.settle(item.id, "correct"), done(t("已标为“本来就对”", "Marked as right"))), right));
  return h(
    "div",
    { class: "row" },
    step(t("加一种问法", "Add a phrasing"), () => phrasingStep(item, done)),
    step(t("改答案", "Edit a row"), () => editStep(item, done)),
    step(t("写新问答", "Write a new row"), () => rowStep(item, done)),
    step(t("做成评测题", "Make a sample"), () => sampleStep(item, done)),
    right,
    h("button", { type: "button", class: "quiet", onclick: closed }, t("收起", "Close")),
  );
}

/** Rows the bot had in hand, then whatever a search finds; `pick` is told which was chosen. */
function rowPicker(item: FullItem, kinds: string[], pick: (row: Row) => void): HTMLElement {
  const list = h("ul", { class: "list picks" });
  const show = (found: Row[]) => {
    const fitting = found.filter((row) => kinds.includes(row.kind));
    list.replaceChildren(...(fitting.length ? fitting.map((row) => h("li", {}, h("button", { type: "button", class: "item row-line", onclick: () => pick(row) }, h("strong", {}, row.title), h("span", { class: "clip row-text" }, row.text), h("span", { class: "source" }, placeName(row.path, row.locator))))) : [h("li", { class: "hint" }, t("没有找到，换个词试试。", "Nothing fits; try other words."))]));
  };
  const search = h("input", { type: "search", placeholder: t("或者搜别的条目…", "Or search another row…"), "aria-label": t("搜条目", "Search rows") });
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => void attempt(async () => show(search.value.trim() ? (await rows.list({ q: search.value.trim(), limit: 8 })).chunks : item.rows)), 250);
  });
  show(item.rows);
  return h("div", { class: "stack tight" }, list, search);
}

function masked(item: FullItem): HTMLElement | string {
  return item.suggested.masked ? h("p", { class: "hint" }, t("个人信息和寒暄已去掉；存之前再看一眼。", "Personal data and greetings were taken out; look again before you keep it.")) : "";
}

function phrasingStep(item: FullItem, done: (text: string) => void): HTMLElement {
  const text = h("input", { value: item.suggested.question, maxlength: "500" });
  const pick = (row: Row) => attempt(async () => (await review.settle(item.id, "phrasing", { key: row.key, version: row.version, phrasing: text.value }), done(t(`已加到“${row.title}”（草稿）`, `Added to “${row.title}” (draft)`))));
  return h("div", { class: "stack" }, h("label", {}, t("问法", "Phrasing"), text), masked(item), h("p", { class: "hint" }, t("它是哪一条的问法？点一下就加上。", "Which row does it ask for? Press it.")), rowPicker(item, ["faq"], (row) => void pick(row)));
}

function editStep(item: FullItem, done: (text: string) => void): HTMLElement {
  const place = h("div", {});
  const open = async (line: Row) => {
    const row = await rows.one(line.key);
    const form = rowForm(row.kind, row.fields);
    const save = h("button", { class: "primary" }, t("存为草稿", "Save draft"));
    const submit = () => attempt(async () => (await review.settle(item.id, "edit", { key: row.key, version: row.version, fields: form.read() }), done(t(`已改“${row.title}”（草稿）`, `“${row.title}” edited (draft)`))), save);
    const answer = item.suggested.answer ? h("p", { class: "note prose" }, t(`客服是这样答的：${item.suggested.answer}`, `A person answered: ${item.suggested.answer}`)) : "";
    place.replaceChildren(h("form", { class: "stack", onsubmit: (event: Event) => (event.preventDefault(), void submit()) }, answer, form.element, h("div", { class: "row end" }, save)));
    place.querySelector<HTMLElement>("textarea")?.focus();
  };
  const picker = rowPicker(item, ["faq", "policy", "product"], (row) => void attempt(async () => (picker.remove(), await open(row))));
  return h("div", { class: "stack" }, picker, place);
}

function rowStep(item: FullItem, done: (text: string) => void): HTMLElement {
  const form = rowForm("faq", {});
  form.fill({ question: item.suggested.question, answer: item.suggested.answer });
  const read = () => ({ question: item.suggested.question, answer: item.suggested.answer, ...form.read() });
  const save = h("button", { class: "primary" }, t("存为草稿", "Save draft"));
  const submit = () => attempt(async () => (await review.settle(item.id, "row", { fields: read() }), done(t("新问答已存为草稿", "The new row is a draft"))), save);
  return h("form", { class: "stack", onsubmit: (event: Event) => (event.preventDefault(), void submit()) }, masked(item), form.element, h("div", { class: "row end" }, save));
}

function sampleStep(item: FullItem, done: (text: string) => void): HTMLElement {
  const must = h("input", { type: "checkbox" });
  const question = h("input", { value: item.suggested.question });
  const make = (more: Record<string, unknown>) => attempt(async () => (await review.settle(item.id, "sample", { question: question.value, must_pass: must.checked, ...more }), done(t("已做成评测题，下次发布前会问", "Made a sample; it is asked before the next publish"))));
  const person = h("button", { type: "button", onclick: () => void make({ decision: "handoff" }) }, t("应该转人工", "It should go to a person"));
  return h("div", { class: "stack" }, h("label", {}, t("题目", "Question"), question), masked(item), h("label", { class: "check" }, must, t("必须答对才能发布", "Must pass before any publish")), h("p", { class: "hint" }, t("答案应该出自哪一条？", "Which row should the answer rest on?")), rowPicker(item, ["faq", "policy", "product"], (row) => void make({ decision: "answer", sources: [{ path: row.path, locator: row.locator }] })), h("div", { class: "row" }, person));
}
