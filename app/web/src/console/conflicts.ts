/** Rows changed both in their file and here: both texts, and the choice. */

import { h } from "../dom.ts";
import { attempt, toast } from "../staff/feedback.ts";
import { t } from "../staff/words.ts";
import { placeName } from "./kinds.ts";
import { fieldName, rowForm, shownText } from "./row_form.ts";
import { type Conflict, type Fields, rows } from "./rows.ts";

export function conflictsView(conflicts: Conflict[], done: () => void): HTMLElement {
  return h(
    "section",
    { class: "card conflicts" },
    h("h2", {}, t(`${conflicts.length} 处两边都改过`, conflicts.length === 1 ? "1 row was changed on both sides" : `${conflicts.length} rows were changed on both sides`)),
    h("p", { class: "hint" }, t("文件和后台都改了同一条。您选之前，线上用的是后台里的。", "The file and the console both changed these. Until you choose, the console's text stays.")),
    ...conflicts.map((conflict) => one(conflict, done)),
  );
}

function one(conflict: Conflict, done: () => void): HTMLElement {
  const { mine, theirs, base } = conflict;
  const names = [...new Set([...Object.keys(mine ?? {}), ...Object.keys(theirs ?? {})])].filter((name) => JSON.stringify(mine?.[name]) !== JSON.stringify(theirs?.[name]));
  const choose = (choice: string, fields?: Fields) => (event: Event) =>
    void attempt(async () => {
      await rows.resolve(conflict, choice, fields);
      toast(t("已选定，进入下一个版本", "Settled; it is part of the next release"));
      done();
    }, event.currentTarget as HTMLElement);
  const joined = h("div", {});
  const merge = () => {
    const form = rowForm(conflict.kind, {});
    form.fill(conflict.merged ?? {});
    const save = h("button", { type: "button", class: "primary" }, t("用这个", "Use this"));
    save.addEventListener("click", (event) => choose("merged", { ...conflict.merged, ...form.read() })(event));
    joined.replaceChildren(h("div", { class: "stack section" }, form.element, h("div", { class: "row end" }, save)));
  };
  return h(
    "article",
    { class: "conflict" },
    h("h3", {}, conflict.title),
    h("p", { class: "source" }, placeName(conflict.path, conflict.locator)),
    h(
      "div",
      { class: "pair sides" },
      side(t(`后台里（${conflict.author || "?"}）`, `In the console (${conflict.author || "?"})`), mine, base, names, t("（停用）", "(disabled)")),
      side(t("文件里", "In the file"), theirs, base, names, t("（文件里没有了）", "(no longer in the file)")),
    ),
    h("div", { class: "row end" }, mine && theirs && conflict.kind !== "brand" ? h("button", { type: "button", onclick: merge }, t("合并着改…", "Join them…")) : "", h("button", { type: "button", onclick: choose("theirs") }, t("用文件里的", "Take the file's")), h("button", { type: "button", class: "primary", onclick: choose("mine") }, t("用后台里的", "Keep the console's"))),
    joined,
  );
}

function side(title: string, fields: Fields | null, base: Fields | null, names: string[], none: string): HTMLElement {
  return h(
    "div",
    { class: "side-text" },
    h("small", {}, title),
    fields
      ? h("dl", {}, ...names.flatMap((name) => [h("dt", {}, fieldName(name)), h("dd", { class: JSON.stringify(fields[name]) === JSON.stringify(base?.[name]) ? "prose same" : "prose" }, shownText(fields[name]) || "—")]))
      : h("p", { class: "hint" }, none),
  );
}
