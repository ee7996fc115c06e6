/** The queue: filters with counts, a line a turn, opened where it stands; arrows move, Enter opens. */

import { h } from "../dom.ts";
import { attempt } from "../staff/feedback.ts";
import { ago, count, percent, t } from "../staff/words.ts";
import { decisionBadge, reasonName } from "./kinds.ts";
import { type Item, kindOfItem, outcomeName, review, undoable } from "./review_calls.ts";
import { itemView } from "./review_item.ts";

const PAGE = 30;
const KINDS = ["thumbs_down", "low_confidence", "handoff", "correction"];

export function queueView(root: HTMLElement): void {
  new QueueView(root).start();
}

class QueueView {
  private wanted = { kind: "", state: "open", language: "", days: "" };
  private shown: Item[] = [];
  private readonly picked = new Set<number>();
  private readonly kinds = h("div", { class: "chips", role: "group", "aria-label": t("为什么在这里", "Why it is here") });
  private readonly list = h("ul", { class: "rows" });
  private readonly head = h("div", { class: "card-head" });
  private readonly bulk = h("div", { class: "bulk-bar", hidden: true });
  private readonly more = h("button", { type: "button", class: "wide" }, t("再看一些", "Show more"));

  constructor(private readonly root: HTMLElement) {}

  start(): void {
    this.more.addEventListener("click", () => attempt(() => this.load(this.shown.length), this.more));
    this.list.addEventListener("keydown", (event) => this.move(event));
    const states = this.select("state", t("状态", "State"), [["open", t("待处理", "Open")], ["done", t("已处理", "Done")], ["", t("全部", "All")]]);
    const languages = this.select("language", t("语言", "Language"), [["", t("中英文", "Both languages")], ["zh", "中文"], ["en", "English"]]);
    const days = this.select("days", t("时间", "Time"), [["", t("任何时间", "Any time")], ["1", t("最近一天", "Last day")], ["7", t("最近一周", "Last week")], ["30", t("最近一月", "Last month")]]);
    this.root.replaceChildren(h("div", { class: "row finder" }, h("div", { class: "grow" }, this.kinds), states, languages, days), h("section", { class: "card section" }, this.head, this.bulk, this.list, this.more));
    void attempt(() => this.load(0));
  }

  private select(name: "state" | "language" | "days", label: string, options: [string, string][]): HTMLElement {
    const select = h("select", { "aria-label": label }, ...options.map(([value, text]) => h("option", { value }, text)));
    select.value = this.wanted[name];
    select.addEventListener("change", () => this.narrow({ [name]: select.value }));
    return h("div", { class: "state-filter" }, select);
  }

  private narrow(some: Partial<typeof this.wanted>): void {
    this.wanted = { ...this.wanted, ...some };
    void attempt(() => this.load(0));
  }

  private async load(offset: number): Promise<void> {
    const { total, items, counts } = await review.list({ ...this.wanted, offset, limit: PAGE });
    if (!offset) {
      this.shown = [];
      this.picked.clear();
      this.list.replaceChildren();
    }
    this.shown.push(...items);
    this.list.append(...items.map((item) => this.line(item)));
    this.more.hidden = this.shown.length >= total;
    this.showCounts(counts);
    this.showBulk();
    this.head.replaceChildren(h("h2", {}, t(`${count(total)} 条`, total === 1 ? "1 turn" : `${count(total)} turns`)), h("small", {}, t(`待处理 ${counts.open} · 已处理 ${counts.done} · 评测题 ${counts.samples}`, `${counts.open} open · ${counts.done} done · ${counts.samples} samples`), " ", h("span", { class: "keys" }, t("↑↓ 移动，回车打开", "↑↓ move, Enter opens"))));
    if (!total) this.list.replaceChildren(h("li", { class: "empty" }, h("h2", {}, t("都看完了", "All looked at")), h("p", {}, t("顾客点踩、小二没把握、转了人工、客服改过草稿的对话，都会来到这里。", "Turns with a thumbs-down, those the bot was not sure of, hand-overs and drafts that a person changed come here."))));
  }

  private showCounts(counts: Record<string, number>): void {
    const chip = (kind: string, text: string) => h("button", { type: "button", class: "chip", "aria-pressed": String(this.wanted.kind === kind), onclick: () => this.narrow({ kind }) }, text);
    this.kinds.replaceChildren(chip("", t("全部", "All")), ...KINDS.map((kind) => chip(kind, `${kindOfItem(kind)} ${count(counts[kind] ?? 0)}`)));
  }

  private showBulk(): void {
    this.bulk.hidden = !this.picked.size;
    const right = h("button", { type: "button" }, t("本来就对", "Right as they were"));
    right.addEventListener("click", () =>
      attempt(async () => {
        const ids = [...this.picked];
        await review.correct(ids);
        const again = () => void attempt(() => this.load(0));
        undoable(t(`${ids.length} 条已标为“本来就对”`, `${ids.length} marked as right`), ids[0]!, again);
        again();
      }, right),
    );
    this.bulk.replaceChildren(h("strong", {}, t(`选中 ${this.picked.size} 条`, `${this.picked.size} selected`)), right);
  }

  private line(item: Item): HTMLElement {
    const box = h("input", { type: "checkbox", "aria-label": t("选中", "Select"), disabled: item.state === "done" });
    box.addEventListener("change", () => ((box.checked ? this.picked.add(item.id) : this.picked.delete(item.id)), this.showBulk()));
    const told = item.comment ? t(`顾客说：${item.comment}`, `The shopper: ${item.comment}`) : item.answers.length ? t(`${item.agent}答：${item.answers.join(" ")}`, `${item.agent}: ${item.answers.join(" ")}`) : item.reply;
    const open = h(
      "button",
      { type: "button", class: "row-line", "aria-expanded": "false" },
      h("span", { class: "row-title" }, h("strong", {}, item.question || t("（没有说话）", "(said nothing)")), ...badges(item)),
      h("span", { class: "clip row-text" }, told),
      h("span", { class: "source" }, [ago(item.at), item.reason ? reasonName(item.reason) : "", item.confidence ? t(`把握 ${percent(item.confidence)}`, `${percent(item.confidence)} sure`) : ""].filter(Boolean).join(" · ")),
    );
    const place = h("div", { class: "row-place" });
    const line = h("li", { class: "row-item" }, h("div", { class: "row-bar" }, box, open), place);
    const shut = () => (place.replaceChildren(), open.setAttribute("aria-expanded", "false"), open.focus());
    const done = (text: string) => {
      const next = line.nextElementSibling?.querySelector<HTMLElement>(".row-line") ?? line.previousElementSibling?.querySelector<HTMLElement>(".row-line");
      undoable(text, item.id, () => void attempt(() => this.load(0)));
      line.remove();
      next?.focus();
      void review.list({ ...this.wanted, limit: 1 }).then(({ counts }) => this.showCounts(counts));
    };
    open.addEventListener("click", () =>
      place.childElementCount
        ? shut()
        : void attempt(async () => {
            place.replaceChildren(itemView(await review.one(item.id), done, shut));
            open.setAttribute("aria-expanded", "true");
            place.querySelector<HTMLElement>("button, input")?.focus();
          }, open),
    );
    return line;
  }

  private move(event: KeyboardEvent): void {
    if (!(event.target as HTMLElement).matches(".row-line") || !["ArrowDown", "ArrowUp", "j", "k"].includes(event.key)) return;
    event.preventDefault();
    const lines = [...this.list.querySelectorAll<HTMLElement>(".row-line")];
    lines[lines.indexOf(event.target as HTMLElement) + (event.key === "ArrowDown" || event.key === "j" ? 1 : -1)]?.focus();
  }
}

function badges(item: Item): HTMLElement[] {
  const bad = ["thumbs_down", "correction"];
  const kinds = item.kinds.filter((kind) => kind !== "answered" || item.kinds.length === 1);
  const found = kinds.map((kind) => h("span", { class: `badge ${bad.includes(kind) ? "bad" : "warn"}` }, kindOfItem(kind)));
  if (item.decision && item.decision !== "handoff") found.push(decisionBadge(item.decision));
  if (item.state === "done") found.push(h("span", { class: "badge good" }, `${outcomeName(item.outcome)} · ${item.done_by}`));
  return found;
}
