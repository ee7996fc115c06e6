/** The bar that says how many drafts there are, and turns them into a release. */

import { h } from "../dom.ts";
import { post } from "../staff/api.ts";
import { ask, attempt } from "../staff/feedback.ts";
import { count, t } from "../staff/words.ts";
import type { Job } from "./jobs.ts";
import { editLine } from "./row_editor.ts";
import { type Counts, rows } from "./rows.ts";
import { watch } from "./upload.ts";

/** The bar; `job` is where the building of the release is shown, `reload` is called after an undo. */
export function draftBar(counts: Counts, job: HTMLElement, reload: () => void): HTMLElement {
  const stage = h("button", { type: "button", class: "primary" }, t("建成待发布版本", "Make a release of them"));
  stage.addEventListener("click", () =>
    attempt(async () => {
      await watch(await post<Job>("/v1/knowledge/edits/stage", { publish: false }), job, reload, t("正在建版本", "Building the release"));
      reload();
    }, stage),
  );
  const story = h("button", { type: "button", onclick: () => void showHistory(reload) }, t("改动记录", "All edits"));
  return h(
    "div",
    { class: counts.pending ? "draft-bar" : "draft-bar none" },
    h("p", {}, counts.pending ? h("strong", {}, t(`${count(counts.pending)} 处草稿`, counts.pending === 1 ? "1 draft" : `${count(counts.pending)} drafts`)) : t("没有草稿", "No drafts"), counts.pending ? h("small", {}, t(" 线上还没有变", " what is live has not changed")) : ""),
    h("div", { class: "row" }, story, counts.pending ? stage : ""),
  );
}

async function showHistory(reload: () => void): Promise<void> {
  const list = h("ul", { class: "list edits" });
  const load = async () => {
    const { edits } = await rows.edits();
    list.replaceChildren(...(edits.length ? edits.map((edit) => editLine(edit, async () => (await load(), reload()))) : [h("li", { class: "hint" }, t("还没有改动过。", "Nothing was edited yet."))]));
  };
  await attempt(load);
  await ask(t("改动记录", "All edits"), () => [list], true);
}
