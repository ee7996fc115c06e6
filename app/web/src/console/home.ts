/** The overview: what is live, what waits, and where to go next. */

import { h } from "../dom.ts";
import { get, shop } from "../staff/api.ts";
import { attempt } from "../staff/feedback.ts";
import { ago, count, t } from "../staff/words.ts";
import { diffCounts, fetchDiff } from "./diff.ts";
import { type ReleaseList, waitingOf } from "./releases.ts";

export function home(root: HTMLElement): void {
  void attempt(async () => {
    const list = await get<ReleaseList>("/v1/knowledge/releases");
    const waiting = waitingOf(list);
    const live = list.releases.find((release) => release.live);
    const diff = waiting && list.live ? await fetchDiff(list.live, waiting.number, 0, 1) : null;
    root.replaceChildren(
      h(
        "div",
        { class: "figures" },
        figure("/console/releases", live ? t(`第 ${live.number} 版`, `No. ${live.number}`) : "—", live?.published_at ? t(`线上版本 · ${ago(live.published_at)}发布`, `live release · published ${ago(live.published_at)}`) : t("还没有发布", "nothing is live")),
        figure("/console/knowledge", count(live?.chunks ?? 0), t("条知识在线", "entries live")),
        figure("/console/releases", waiting ? t(`第 ${waiting.number} 版`, `No. ${waiting.number}`) : t("无", "none"), t("等待发布", "waiting to be published")),
      ),
      waiting && diff
        ? h("section", { class: "card" }, h("div", { class: "row apart" }, h("div", {}, h("h2", {}, t(`第 ${waiting.number} 版等您发布`, `Release ${waiting.number} waits for you`)), diffCounts(diff)), h("a", { class: "button primary", href: link("/console/releases") }, t("看差别，发布", "Review and publish"))))
        : "",
      h("div", { class: "columns section" }, ...cards().map(([href, title, text]) => h("a", { class: "card door", href: link(href) }, h("h2", {}, title), h("p", { class: "hint" }, text)))),
    );
  });
}

function cards(): [string, string, string][] {
  return [
    ["/console/upload", t("上传资料", "Upload"), t("把表格、文档拖进来，看清会变什么再发布。", "Drop spreadsheets and documents; see what they change before they go live.")],
    ["/console/knowledge", t("改一条问答", "Edit an answer"), t("就地改问题、问法、答案、日期，随时可撤销。", "Change questions, phrasings, answers and dates in place; undo at any time.")],
    ["/console/test", t("试问一句", "Try a question"), t("看小二怎么想、找到什么、答什么、为什么。", "See how it is understood, what is found, what is said, and why.")],
    ["/console/setup", t("开店向导", "Set-up guide"), t("选一个行业包，填几个空，常见问题就有了答案。", "Pick an industry pack, fill a few blanks, and the usual questions are answered.")],
  ];
}

function figure(path: string, value: string, label: string): HTMLElement {
  return h("a", { class: "figure", href: link(path) }, h("strong", {}, value), h("span", {}, label));
}

function link(path: string): string {
  return new URLSearchParams(location.search).has("shop") ? `${path}?shop=${encodeURIComponent(shop)}` : path;
}
