/** What changes from one release to another, side by side. */

import { h } from "../dom.ts";
import { get } from "../staff/api.ts";
import { attempt } from "../staff/feedback.ts";
import { count, moment, t } from "../staff/words.ts";
import { kindName, placeName } from "./kinds.ts";

type Change = "changed" | "added" | "removed" | "moved";

interface Side {
  path: string;
  locator: string;
  title: string;
  text: string;
}

interface ChunkChange {
  change: Change;
  kind: string;
  path: string;
  locator: string;
  title: string;
  before: Side | null;
  after: Side | null;
  values: { name: string; before: string; after: string; attribute: boolean }[];
  spans: { side: "both" | "before" | "after"; text: string }[];
}

export interface Diff {
  before: number;
  after: number;
  counts: Record<Change, number>;
  total: number;
  offset: number;
  changes: ChunkChange[];
}

const PAGE = 50;
const KINDS: Change[] = ["changed", "added", "removed", "moved"];

function changeName(change: Change): string {
  return { changed: t("改了", "Changed"), added: t("新增", "Added"), removed: t("删除", "Removed"), moved: t("换了位置", "Moved") }[change];
}

function tone(change: Change): string {
  return { changed: "info", added: "good", removed: "bad", moved: "" }[change];
}

export function fetchDiff(before: number, after: number, offset = 0, limit = PAGE): Promise<Diff> {
  return get<Diff>(`/v1/knowledge/releases/${before}/diff/${after}`, { offset, limit });
}

/** The counts in one line of badges. */
export function diffCounts(diff: Diff): HTMLElement {
  const some = KINDS.filter((change) => diff.counts[change]);
  return h("div", { class: "chips" }, ...(some.length ? some.map((change) => h("span", { class: `badge ${tone(change)}` }, `${changeName(change)} ${count(diff.counts[change])}`)) : [h("span", { class: "hint" }, t("内容没有差别", "Nothing differs"))]));
}

/** All changes with a filter; further ones are fetched when asked for. */
export function diffView(diff: Diff): HTMLElement {
  const list = h("ul", { class: "changes" });
  const chips = h("div", { class: "chips" });
  const more = h("button", { type: "button" }, t("再看一些", "Show more"));
  const loaded: ChunkChange[] = [...diff.changes];
  let only: Change | "" = "";
  const show = () => {
    list.replaceChildren(...loaded.filter((one) => !only || one.change === only).map(changeView));
    more.hidden = loaded.length >= diff.total;
    for (const chip of chips.children) chip.setAttribute("aria-pressed", String((chip as HTMLElement).dataset.only === only));
  };
  for (const name of ["", ...KINDS.filter((change) => diff.counts[change])] as (Change | "")[]) {
    const label = name ? `${changeName(name)} ${count(diff.counts[name])}` : `${t("全部", "All")} ${count(diff.total)}`;
    chips.append(h("button", { type: "button", class: "chip", "data-only": name, onclick: () => ((only = name), show()) }, label));
  }
  more.addEventListener("click", () =>
    attempt(async () => {
      loaded.push(...(await fetchDiff(diff.before, diff.after, loaded.length, PAGE * 4)).changes);
      show();
    }, more),
  );
  show();
  return h("div", { class: "stack" }, diff.total > 1 ? chips : "", list, h("div", { class: "row" }, more));
}

function changeView(one: ChunkChange): HTMLElement {
  const rows = one.values.map((value) => h("tr", {}, h("th", {}, fieldName(value.name, value.attribute)), h("td", {}, value.before ? h("del", {}, shownValue(value.name, value.before)) : h("small", {}, "—")), h("td", {}, value.after ? h("ins", {}, shownValue(value.name, value.after)) : h("small", {}, "—"))));
  const moved = one.change === "moved" && one.before && one.after ? h("p", { class: "source" }, `${placeName(one.before.path, one.before.locator)} → ${placeName(one.after.path, one.after.locator)}`) : "";
  const text = one.kind === "product" && one.change === "changed" && rows.length ? "" : h("p", { class: "prose text-diff" }, ...one.spans.map((span) => (span.side === "both" ? span.text : h(span.side === "before" ? "del" : "ins", {}, span.text))));
  return h(
    "li",
    { class: "change" },
    h("div", { class: "row" }, h("span", { class: `badge ${tone(one.change)}` }, changeName(one.change)), h("span", { class: "badge" }, kindName(one.kind)), h("h3", {}, one.title)),
    h("p", { class: "source" }, placeName(one.path, one.locator)),
    moved,
    rows.length ? h("div", { class: "scroll flat", tabindex: "0", role: "region", "aria-label": one.title }, h("table", { class: "values" }, h("tbody", {}, ...rows))) : "",
    one.change === "moved" ? "" : text,
  );
}

function fieldName(name: string, attribute: boolean): string {
  if (attribute) return name;
  const names: Record<string, string> = {
    title: t("问题 / 标题", "Question / title"),
    phrasings: t("相似问法", "Phrasings"),
    related: t("关联问题", "Related"),
    section: t("分类", "Section"),
    valid_from: t("生效", "Valid from"),
    valid_until: t("失效", "Valid until"),
    path: t("文件", "File"),
  };
  return names[name] ?? name;
}

function shownValue(name: string, value: string): string {
  return name === "valid_from" || name === "valid_until" ? moment(value) : value;
}
