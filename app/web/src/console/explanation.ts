/** Why the confidence is what it is, in words: for the hit test and for any turn of the log. */

import { h } from "../dom.ts";
import { chinese, percent, t } from "../staff/words.ts";

interface Words {
  zh: string;
  en: string;
}

/** What the server tells of one turn. */
export interface Explanation {
  decision: string;
  confidence: number;
  base: number | null;
  certificate: string | null;
  features: ({ feature: string; value: number | null; points: number } & Words)[];
  checks: ({ passed: boolean | null } & Words)[];
  passages: { path: string; locator: string; title: string; confidence: number }[];
  sentences: ({ text: string; origin: string; citations: string[] } & Words)[];
}

const say = (words: Words): string => (chinese ? words.zh : words.en);

/** Checks, and each feature with what it does to the confidence. */
export function explained(told: Explanation): HTMLElement {
  const most = Math.max(1, ...told.features.map((one) => Math.abs(one.points)));
  return h(
    "section",
    { class: "card section" },
    h("div", { class: "card-head" }, h("h2", {}, t("把握从哪里来", "Where the confidence comes from")), h("small", {}, t("单位：百分点", "in percentage points"))),
    h("ul", { class: "stack tight" }, ...told.checks.map(check)),
    told.base === null ? "" : h("p", { class: "hint section" }, t(`对问题一无所知时是 ${percent(told.base)}；下面各项把它推到 ${percent(told.confidence)}。`, `Knowing nothing of the question it is ${percent(told.base)}; these take it to ${percent(told.confidence)}.`)),
    told.features.length ? h("ul", { class: "pushes" }, ...told.features.map((one) => push(one, most))) : "",
  );
}

/** What was said, and where each sentence comes from. */
export function sources(told: Explanation): HTMLElement {
  return h(
    "section",
    { class: "card section" },
    h("h2", {}, t("说了什么，凭什么", "What was said, and on what")),
    ...told.sentences.map((one) => h("div", { class: "push-said" }, h("p", { class: "prose" }, one.text), h("p", { class: "hint" }, say(one)), ...one.citations.map((where) => h("p", { class: "source" }, where)))),
    told.sentences.length ? "" : h("p", { class: "hint" }, t("什么也没说。", "Nothing was said.")),
    told.passages.length ? h("h3", { class: "section" }, t("看过的资料", "Passages it rests on")) : "",
    ...told.passages.slice(0, 8).map((one) => h("p", { class: "source" }, `${percent(one.confidence)} · ${one.path} · ${one.locator}`)),
  );
}

function check(one: Explanation["checks"][number]): HTMLElement {
  const kind = one.passed === null ? "" : one.passed ? "good" : "bad";
  const mark = one.passed === null ? "·" : one.passed ? "✓" : "✗";
  return h("li", { class: "row" }, h("span", { class: `badge ${kind}`, "aria-label": one.passed === null ? t("说明", "note") : one.passed ? t("通过", "passed") : t("未通过", "not passed") }, mark), h("span", {}, say(one)));
}

function push(one: Explanation["features"][number], most: number): HTMLElement {
  const bar = h("i", { class: one.points < 0 ? "down" : "up" });
  bar.style.width = `${(50 * Math.abs(one.points)) / most}%`;
  const signed = `${one.points > 0 ? "+" : "−"}${Math.abs(one.points).toFixed(1)}`;
  return h("li", { class: "push" }, h("span", {}, say(one)), h("span", { class: "push-bar", "aria-hidden": "true" }, bar), h("b", {}, signed));
}
