/** Rows drafted out of what people answered: read, change, approve. */

import { h } from "../dom.ts";
import { attempt } from "../staff/feedback.ts";
import { ago, percent, t } from "../staff/words.ts";
import { type Drafted, review, undoable } from "./review_calls.ts";
import { rowForm } from "./row_form.ts";
import type { Fields } from "./rows.ts";

export function draftsView(root: HTMLElement): void {
  void attempt(() => load(root));
}

async function load(root: HTMLElement): Promise<void> {
  const bar = h("i");
  const told = h("p", { class: "hint", role: "status" });
  root.replaceChildren(h("section", { class: "card" }, told, h("div", { class: "progress" }, bar)));
  let page = await review.drafts();
  while (page.reading.done < page.reading.total && root.contains(bar)) {
    bar.style.width = percent(page.reading.done / page.reading.total);
    told.textContent = t(`正在读客服答过的问题 ${page.reading.done} / ${page.reading.total}`, `Reading what people answered: ${page.reading.done} of ${page.reading.total}`);
    page = await review.drafts();
  }
  if (!root.contains(bar)) return;
  // What only a policy or a product says still wants a row of its own: the bot was not sure enough of it.
  const known = page.drafts.filter((draft) => draft.covered?.kind === "faq");
  const fresh = page.drafts.filter((draft) => !known.includes(draft));
  const again = () => void attempt(() => load(root));
  root.replaceChildren(
    ...(page.drafts.length ? [] : [h("section", { class: "card empty" }, h("h2", {}, t("还没有可拟的问答", "Nothing to draft yet")), h("p", {}, t("至少两位顾客问过同一件事、客服也答过，就会在这里拟成一条问答。", "Once two shoppers asked the same and a person answered, a row is drafted here.")))]),
    ...(fresh.length ? [h("h2", { class: "section" }, t(`问答里没有的 ${fresh.length} 条`, `${fresh.length} that no row answers yet`)), h("div", { class: "stack section" }, ...fresh.map((draft) => draftView(draft, again)))] : []),
    ...(known.length ? [h("h2", { class: "section" }, t(`已有答案、换了问法的 ${known.length} 条`, `${known.length} that a row answers, asked in other words`)), h("div", { class: "stack section" }, ...known.map((draft) => draftView(draft, again)))] : []),
  );
}

function draftView(draft: Drafted, again: () => void): HTMLElement {
  const start: Fields = { question: draft.question, answer: draft.answer, phrasings: draft.phrasings };
  const form = rowForm("faq", {});
  form.fill(start);
  const read = (): Fields => ({ ...start, ...form.read() });
  const gone = (text: string, id: number) => (element.remove(), undoable(text, id, again));
  const covered = draft.covered;
  const joins = covered?.kind === "faq";
  const add = h("button", { type: "button", class: joins ? "" : "primary" }, t("批准为新问答", "Approve as a new row"));
  add.addEventListener("click", () => attempt(async () => gone(t("已存为草稿，发布后生效", "Saved as a draft; it counts once published"), (await review.approve(draft.items, read())).items[0]!.id), add));
  const join = h("button", { type: "button", class: "primary" }, covered ? t(`把问法加到“${covered.title}”`, `Add the questions to “${covered.title}”`) : "");
  if (covered) join.addEventListener("click", () => attempt(async () => gone(t("问法已加上（草稿）", "The phrasings are added (draft)"), (await review.approve(draft.items, read(), covered)).items[0]!.id), join));
  const drop = h("button", { type: "button" }, t("不需要", "Not needed"));
  drop.addEventListener("click", () => attempt(async () => gone(t("已收起", "Put away"), (await review.dismiss(draft.items)).items[0]!.id), drop));
  const warn = draft.variants.length ? h("div", { class: "note warn stack tight" }, h("strong", {}, t("客服说的数字不一样，请核对：", "People gave other figures; please check:")), ...draft.variants.map((text) => h("p", { class: "prose" }, text))) : "";
  const element = h(
    "article",
    { class: "card flat draft" },
    h("div", { class: "card-head" }, h("h3", {}, draft.question), h("div", { class: "chips" }, h("span", { class: "badge info" }, t(`${draft.shoppers} 位顾客问过`, `asked by ${draft.shoppers} shoppers`)), h("small", {}, t(`最近 ${ago(draft.last_at)}`, `last ${ago(draft.last_at)}`)))),
    h("p", { class: "prose bubble" }, draft.answer),
    warn,
    covered ? h("p", { class: "hint" }, t(`“${covered.title}”已经这样说了（${percent(covered.share)} 相同）。`, `“${covered.title}” says so already (${percent(covered.share)} the same).`)) : "",
    h("details", {}, h("summary", {}, t(`看并修改（${draft.phrasings.length} 种问法）`, `Look and change (${draft.phrasings.length} ${draft.phrasings.length === 1 ? "phrasing" : "phrasings"})`)), form.element),
    h("div", { class: "row end" }, drop, add, joins ? join : ""),
  );
  return element;
}
