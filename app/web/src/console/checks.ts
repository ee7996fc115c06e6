/** What the checks found in a release that waits: what keeps it back, what is worth a look, and what was so before. */

import { h } from "../dom.ts";
import { shop } from "../staff/api.ts";
import { chinese, percent, t } from "../staff/words.ts";
import { placeName } from "./kinds.ts";

interface Words {
  zh: string;
  en: string;
}

interface Finding {
  check: string;
  severity: "blocks" | "warns";
  blocks: boolean;
  known: boolean;
  path: string;
  row: number | null;
  locator: string;
  message: Words;
  fix: Words;
  other: string;
}

interface Suite {
  suite: string;
  n: number;
  right: number;
  live_right: number | null;
  p_value: number | null;
  reasons: Words[];
  flips: { id: string; question: string; said?: string; why?: string }[];
}

export interface Checks {
  release: number;
  counts: { blocks: number; warns: number; known: number };
  held_back: boolean;
  reasons: Words[];
  forced: string;
  findings: Finding[];
  suite: Suite | null;
}

const SHOWN = 12;

function said(words: Words): string {
  return chinese ? words.zh : words.en;
}

export function checkName(check: string): string {
  const names: Record<string, string> = {
    contradictions: t("互相矛盾", "Contradiction"),
    changed_values: t("数值变了", "Changed value"),
    near_duplicates: t("重复", "Duplicate"),
    related_links: t("关联问题失效", "Dead link"),
    dates_in_force: t("日期", "Dates"),
    forbidden_words: t("禁用词", "Forbidden words"),
    planted_orders: t("可疑指令", "Planted orders"),
    missing_answers: t("缺答案", "No answer"),
    prices: t("价格", "Price"),
    losses: t("内容丢失", "Lost content"),
  };
  return names[check] ?? check.replaceAll("_", " ");
}

/** The findings and the verdict of the suite. */
export function checksView(checks: Checks): HTMLElement {
  const { blocks, warns, known } = checks.counts;
  const fresh = checks.findings.filter((finding) => !finding.known);
  const old = checks.findings.filter((finding) => finding.known);
  return h(
    "div",
    { class: "stack section checks" },
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, t("检查结果", "Checks")),
      h("div", { class: "chips" },
        blocks ? h("span", { class: "badge bad" }, t(`${blocks} 项拦住发布`, `${blocks} keep it back`)) : h("span", { class: "badge good" }, t("没有拦路的", "nothing keeps it back")),
        warns ? h("span", { class: "badge warn" }, t(`${warns} 项请留意`, `${warns} to look at`)) : "",
        known ? h("span", { class: "badge" }, t(`${known} 项线上就有`, `${known} were there before`)) : "",
      ),
    ),
    checks.suite ? suiteView(checks.suite) : "",
    fresh.length ? findingList(fresh) : "",
    old.length ? h("details", {}, h("summary", {}, t(`线上版本里就有的 ${known} 项`, `${known} that the live release has too`)), findingList(old)) : "",
  );
}

function findingList(findings: Finding[]): HTMLElement {
  const list = h("ul", { class: "list findings" }, ...findings.slice(0, SHOWN).map(findingView));
  const more = h("button", { type: "button", class: "small" }, t(`再看 ${findings.length - SHOWN} 项`, `Show ${findings.length - SHOWN} more`));
  more.hidden = findings.length <= SHOWN;
  more.addEventListener("click", () => {
    list.append(...findings.slice(SHOWN).map(findingView));
    more.remove();
  });
  return h("div", {}, list, more);
}

function findingView(finding: Finding): HTMLElement {
  return h(
    "li",
    { class: "finding" },
    h("div", { class: "row" }, h("span", { class: `badge ${finding.blocks ? "bad" : finding.known ? "" : "warn"}` }, checkName(finding.check)), h("span", { class: "source" }, placeName(finding.path, finding.locator))),
    h("p", {}, said(finding.message)),
    finding.other ? h("p", { class: "source" }, `↔ ${placeName(finding.other.split(" · ")[0] ?? "", finding.other.split(" · ").slice(1).join(" · "))}`) : "",
    said(finding.fix) ? h("p", { class: "hint" }, h("strong", {}, t("怎么改：", "To fix it: ")), said(finding.fix), " ", h("a", { href: rowLink(finding) }, t("去看这一条", "Open the row"))) : "",
  );
}

/** The row in the knowledge page: by its file, and the words its locator names it by. */
function rowLink(finding: Finding): string {
  const about = finding.locator.split(" | ").pop()?.split(" > ").pop() ?? "";
  return `/console/knowledge?${new URLSearchParams({ shop, path: finding.path, q: about })}`;
}

function suiteView(suite: Suite): HTMLElement {
  const was = suite.live_right === null ? "" : t(`，线上 ${suite.live_right}`, `; live: ${suite.live_right}`);
  return h(
    "div",
    { class: "suite" },
    h("p", {}, h("strong", {}, t("评测题：", "Suite: ")), t(`${suite.n} 题对 ${suite.right}${was}（${percent(suite.right / Math.max(1, suite.n))}）`, `${suite.right} of ${suite.n} right${was} (${percent(suite.right / Math.max(1, suite.n))})`)),
    ...suite.reasons.map((reason) => h("p", { class: "alert" }, said(reason))),
    suite.flips.length
      ? h("details", {}, h("summary", {}, t(`变差的 ${suite.flips.length} 题`, `${suite.flips.length} that went wrong`)), h("ul", { class: "list" }, ...suite.flips.map((flip) => h("li", {}, h("p", {}, h("strong", {}, flip.question)), flip.said ? h("p", { class: "hint" }, flip.said) : "", flip.why ? h("p", { class: "hint" }, flip.why) : ""))))
      : "",
  );
}

/** Why it is held back, in short. */
export function reasonsOf(checks: Checks): string[] {
  return checks.reasons.map(said);
}
