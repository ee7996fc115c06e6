/** One row opened where it stands: its form, what its file says, and every edit of it. */

import { h } from "../dom.ts";
import { Problem, shop } from "../staff/api.ts";
import { attempt, toast } from "../staff/feedback.ts";
import { ago, t } from "../staff/words.ts";
import { placeName } from "./kinds.ts";
import { fieldName, rowForm, shownText } from "./row_form.ts";
import { type Edit, type Fields, type FullRow, rows } from "./rows.ts";

/** The open editor of a row. `saved` is told the row as it is now, `closed` that it may be put away. */
export function rowEditor(row: FullRow, sections: string[], saved: (row: FullRow) => void, closed: () => void): HTMLElement {
  let version = row.version;
  const form = rowForm(row.kind, row.fields, sections);
  const quarrel = h("div", {});
  const save = h("button", { class: "primary" }, t("存为草稿", "Save draft"));
  const told = (now: FullRow, text: string) => {
    const [last] = now.edits;
    toast(text, "good", last?.can_undo ? { label: t("撤销", "Undo"), run: () => void attempt(async () => (await rows.undo({ numbers: [last.number] }), saved(await rows.one(row.key)))) } : undefined);
    saved(now);
  };
  const submit = () =>
    attempt(async () => {
      const fields = form.read();
      if (!Object.keys(fields).length) return closed();
      try {
        told(await rows.change(row.key, version, fields), t("已存为草稿，线上还没有变", "Saved as a draft; what is live has not changed"));
      } catch (error) {
        if (!(error instanceof Problem) || error.slug !== "outdated-edit") throw error;
        version = String(error.body.version);
        quarrel.replaceChildren(otherText(error, fields, form.fill));
      }
    }, save);
  const out = h("button", { type: "button" }, row.state === "disabled" ? t("重新启用", "Enable again") : t("停用", "Disable"));
  out.addEventListener("click", () => attempt(async () => told(await rows.toggle({ ...row, version }, row.state !== "disabled"), row.state === "disabled" ? t("已启用（草稿）", "Enabled (draft)") : t("已停用（草稿），发布后不再出现在回答里", "Disabled (draft); after publishing it is in no answer")), out));
  const test = `/console/test?${new URLSearchParams({ shop, q: row.kind === "faq" ? shownText(row.fields.question) : row.title, ...(row.release ? { release: String(row.release) } : {}) })}`;
  const element = h(
    "form",
    { class: "row-editor stack", onsubmit: (event: Event) => (event.preventDefault(), void submit()) },
    h("p", { class: "source" }, placeName(row.path, row.locator)),
    quarrel,
    form.element,
    fileSays(row, form.fill),
    history(row.edits, async () => saved(await rows.one(row.key))),
    h("div", { class: "row apart" }, h("div", { class: "row" }, out, h("a", { class: "button", href: test }, t("试问", "Try it"))), h("div", { class: "row" }, h("button", { type: "button", onclick: closed }, t("收起", "Close")), save)),
  );
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
      event.preventDefault();
      element.requestSubmit();
    }
    if (event.key === "Escape") closed();
  });
  return element;
}

/** A new FAQ row. */
export function newRow(sections: string[], question: string, saved: (row: FullRow) => void, closed: () => void): HTMLElement {
  const form = rowForm("faq", {}, sections);
  const first = form.element.querySelector("input");
  if (first) first.value = question;
  const save = h("button", { class: "primary" }, t("存为草稿", "Save draft"));
  const submit = () =>
    attempt(async () => {
      const row = await rows.add(form.read());
      toast(t("已添加（草稿）", "Added (draft)"));
      saved(row);
    }, save);
  return h("form", { class: "card stack", onsubmit: (event: Event) => (event.preventDefault(), void submit()) }, h("h2", {}, t("新问答", "New question")), form.element, h("div", { class: "row end" }, h("button", { type: "button", onclick: closed }, t("取消", "Cancel")), save));
}

/** Somebody else changed the row meanwhile: both texts, and the choice which to go on with. */
function otherText(problem: Problem, mine: Fields, fill: (fields: Fields) => void): HTMLElement {
  const theirs = (problem.body.theirs ?? {}) as Fields;
  const by = ((problem.body.edits ?? []) as Edit[])[0];
  return h(
    "div",
    { class: "note warn stack tight", role: "alert" },
    h("strong", {}, by ? t(`${by.author}刚刚改过这一条，您的改动还没有保存。`, `${by.author} changed this a moment ago; yours is not saved yet.`) : t("这一条刚刚被改过，您的改动还没有保存。", "This was changed a moment ago; yours is not saved yet.")),
    ...Object.keys(mine).map((name) => h("div", { class: "pair" }, h("div", {}, h("small", {}, `${fieldName(name)} · ${t("现在是", "stands now")}`), h("p", { class: "prose" }, shownText(theirs[name]))), h("div", {}, h("small", {}, t("您写的", "yours")), h("p", { class: "prose" }, shownText(mine[name]))))),
    h("div", { class: "row" }, h("button", { type: "button", class: "small", onclick: () => fill(theirs) }, t("用对方的", "Take theirs")), h("small", {}, t("要用您的，再按一次“存为草稿”。", "To keep yours, press Save draft again."))),
  );
}

function fileSays(row: FullRow, fill: (fields: Fields) => void): HTMLElement | string {
  const file = row.file;
  if (!file || row.state === "file") return "";
  const names = Object.keys(file).filter((name) => JSON.stringify(file[name]) !== JSON.stringify(row.fields[name]));
  if (!names.length) return "";
  return h(
    "details",
    {},
    h("summary", {}, t("文件里写的", "What the file says")),
    h("dl", { class: "facts" }, ...names.flatMap((name) => [h("dt", {}, fieldName(name)), h("dd", { class: "prose" }, shownText(file[name]) || "—")])),
    h("button", { type: "button", class: "small", onclick: () => fill(file) }, t("填回文件里的内容", "Put the file's words back")),
  );
}

function history(edits: Edit[], reload: () => Promise<void>): HTMLElement | string {
  if (!edits.length) return "";
  return h("details", {}, h("summary", {}, t(`改动记录（${edits.length}）`, `Edits (${edits.length})`)), h("ul", { class: "list edits" }, ...edits.map((edit) => editLine(edit, reload))));
}

export function actionName(edit: Edit): string {
  return { add: t("新增", "added"), change: t("修改", "changed"), disable: t("停用", "disabled"), enable: t("启用", "enabled") }[edit.action];
}

/** One edit with its undo. */
export function editLine(edit: Edit, reload: () => Promise<void>): HTMLElement {
  const undo = h("button", { type: "button", class: "small" }, t("撤销", "Undo"));
  undo.addEventListener("click", () => attempt(async () => (await rows.undo({ numbers: [edit.number] }), toast(t("已撤销", "Undone")), await reload()), undo));
  const what = Object.entries(edit.fields).map(([name, value]) => `${fieldName(name)}：${shownText(value).replaceAll("\n", " / ")}`).join("；");
  const state = edit.undone_at ? t(`${edit.undone_by}已撤销`, `undone by ${edit.undone_by}`) : edit.settled ? t("已并入文件", "settled") : edit.staged ? t("已进版本", "built in") : t("草稿", "draft");
  return h(
    "li",
    { class: edit.undone_at ? "edit undone" : "edit" },
    h("div", { class: "grow" }, h("p", {}, h("strong", {}, edit.author), ` ${actionName(edit)} `, edit.title ? h("span", {}, edit.title) : "", h("small", {}, ` ${ago(edit.at)} · ${state}`)), what ? h("p", { class: "hint clip" }, what) : ""),
    edit.can_undo ? undo : "",
  );
}
