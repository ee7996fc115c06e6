/** One action on the rows that are selected: all or none, and undone in one go. */

import { h } from "../dom.ts";
import { ask, attempt, toast } from "../staff/feedback.ts";
import { t } from "../staff/words.ts";
import { type Row, rows } from "./rows.ts";

export interface BulkBar {
  element: HTMLElement;
  pick: (row: Row, chosen: boolean) => void;
  clear: () => void;
}

export function bulkBar(done: () => void): BulkBar {
  const chosen = new Map<string, Row>();
  const told = h("strong", {});
  const run = (action: string, fields: Record<string, unknown> = {}) =>
    attempt(async () => {
      const { batch, changed } = await rows.bulk([...chosen.values()], action, fields);
      toast(t(`改了 ${changed} 条（草稿）`, `${changed} changed (draft)`), "good", batch ? { label: t("撤销", "Undo"), run: () => void attempt(async () => (await rows.undo({ batch }), done())) } : undefined);
      done();
    });
  const button = (name: string, act: () => void) => h("button", { type: "button", class: "small", onclick: act }, name);
  const element = h(
    "div",
    { class: "bulk-bar", role: "group", "aria-label": t("批量操作", "Bulk edit"), hidden: true },
    told,
    button(t("停用", "Disable"), () => void run("disable")),
    button(t("启用", "Enable"), () => void run("enable")),
    button(t("改分类…", "Section…"), () => void askSection(run)),
    button(t("改日期…", "Dates…"), () => void askDates(run)),
    button(t("替换文字…", "Replace…"), () => void askReplace(run)),
  );
  const show = () => {
    element.hidden = !chosen.size;
    told.textContent = t(`选中 ${chosen.size} 条`, `${chosen.size} selected`);
  };
  return {
    element,
    pick: (row, on) => {
      if (on) chosen.set(row.key, row);
      else chosen.delete(row.key);
      show();
    },
    clear: () => {
      chosen.clear();
      show();
    },
  };
}

type Run = (action: string, fields?: Record<string, unknown>) => Promise<void>;

async function asked(title: string, parts: HTMLElement[], read: () => Record<string, unknown>): Promise<Record<string, unknown> | null> {
  return ask(title, (close) => [h("form", { class: "stack", onsubmit: (event: Event) => (event.preventDefault(), close(read())) }, ...parts, h("div", { class: "acts" }, h("button", { class: "primary" }, t("存为草稿", "Save as drafts"))))]);
}

async function askSection(run: Run): Promise<void> {
  const section = h("input", { maxlength: "200" });
  const fields = await asked(t("改分类", "Set the section"), [h("label", {}, t("分类（只对问答）", "Section (FAQ rows only)"), section)], () => ({ section: section.value.trim() }));
  if (fields) await run("set", fields);
}

async function askDates(run: Run): Promise<void> {
  const from = h("input", { type: "date" });
  const until = h("input", { type: "date" });
  const fields = await asked(t("改有效日期", "Set the dates"), [h("div", { class: "pair" }, h("label", {}, t("从", "From"), from), h("label", {}, t("到（含当天）", "Until (that day counts)"), until)), h("p", { class: "hint" }, t("留空表示不限。", "Empty means open."))], () => ({ valid_from: from.value, valid_until: until.value }));
  if (fields) await run("set", fields);
}

async function askReplace(run: Run): Promise<void> {
  const find = h("input", { required: true });
  const instead = h("input", {});
  const fields = await asked(t("替换文字", "Replace a text"), [h("label", {}, t("把", "Find"), find), h("label", {}, t("换成", "Replace with"), instead)], () => ({ find: find.value, replace: instead.value }));
  if (fields) await run("replace", fields);
}
