/** What published changes came to: the same questions, asked again of the live release. */

import { h } from "../dom.ts";
import { attempt } from "../staff/feedback.ts";
import { count, percent, t } from "../staff/words.ts";
import { decisionBadge, placeName } from "./kinds.ts";
import { type Again, outcomeName, review } from "./review_calls.ts";

export function effectView(root: HTMLElement): void {
  void attempt(() => load(root));
}

async function load(root: HTMLElement): Promise<void> {
  const told = h("p", { class: "loading", role: "status" }, t("正在重新问一遍…", "Asking again…"));
  root.replaceChildren(told);
  let page = await review.effect();
  while (page.asking.done < page.asking.total && root.contains(told)) {
    told.textContent = t(`已重问 ${page.asking.done} / ${page.asking.total}`, `${page.asking.done} of ${page.asking.total} asked again`);
    const before = page.asking.done;
    page = await review.effect();
    if (page.asking.done === before) break;
  }
  if (!root.contains(told)) return;
  const figure = (value: number, label: string) => h("div", { class: "figure" }, h("strong", {}, count(value)), h("span", {}, label));
  root.replaceChildren(
    h("div", { class: "figures" }, figure(page.counts.better ?? 0, t("变好：现在答得出，而且出自改过的条目", "better: now answered, from the row that was changed")), figure(page.counts.same ?? 0, t("没变", "the same")), figure(page.counts.worse ?? 0, t("变差", "worse")), figure(page.waiting, t("改好了，还没发布", "changed, not published yet"))),
    page.items.length ? h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("前后对比", "Before and after") }, table(page.items)) : h("section", { class: "card empty" }, h("h2", {}, t("还没有可比的", "Nothing to compare yet")), h("p", {}, t("在“待看”里改答案、加问法、写新问答，发布之后，当时的问题会自动再问一遍，前后放在一起看。", "Edit a row, add a phrasing or a new row in the queue; once that is published the questions are asked again and shown before and after."))),
  );
}

function table(items: Again[]): HTMLElement {
  const names = [t("顾客问的", "The shopper asked"), t("当时", "Then"), t("现在", "Now"), t("结果", "Result")];
  return h("table", { class: "effect" }, h("thead", {}, h("tr", {}, ...names.map((name) => h("th", {}, name)))), h("tbody", {}, ...items.map(line)));
}

function line(item: Again): HTMLElement {
  const verdicts: Record<string, [string, string]> = { better: ["good", t("变好", "better")], same: ["", t("没变", "same")], worse: ["bad", t("变差", "worse")], unasked: ["", t("没问成", "not asked")] };
  const [tone, text] = verdicts[item.verdict] ?? ["", item.verdict];
  const side = (told: { decision: string; confidence: number; release: number }, more: string) => h("td", {}, h("div", { class: "row" }, told.decision ? decisionBadge(told.decision) : "—", h("small", {}, told.confidence ? percent(told.confidence) : "")), h("p", { class: "clip hint" }, more));
  const [path, ...rest] = item.after.row.split(" · ");
  return h("tr", {}, h("td", {}, h("p", {}, item.question), h("small", {}, outcomeName(item.outcome))), side(item.before, item.before.text), side(item.after, item.after.row ? placeName(path ?? "", rest.join(" · ")) : ""), h("td", {}, h("span", { class: `badge ${tone}` }, text)));
}
