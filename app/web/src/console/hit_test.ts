/** The hit test: one question seen through, or a spreadsheet of them. */

import { h } from "../dom.ts";
import { get, post, Problem, shop } from "../staff/api.ts";
import { attempt, toast } from "../staff/feedback.ts";
import { chinese, percent, t } from "../staff/words.ts";
import { batch } from "./batch_test.ts";
import { type Explanation, explained } from "./explanation.ts";
import { decisionBadge, decisionName, kindName, placeName, reasonName } from "./kinds.ts";
import type { ReleaseList } from "./releases.ts";
import { rows } from "./rows.ts";

interface Hit {
  chunk_id: string;
  kind: string;
  path: string;
  locator: string;
  title: string;
  text: string;
  scores: Record<string, number>;
}

/** What POST /v1/knowledge/try answers. */
export interface Trial {
  question: { text: string; standalone: string; language: string; intent: string; signals: Record<string, number> };
  decision: string;
  reason: string;
  confidence: number;
  threshold: number;
  release: number;
  as_of: string;
  asked: string[];
  hits: Hit[];
  used: string[];
  sentences: { text: string; origin: string; citations: string[] }[];
  reply: { text: string; confidence: number; related_questions: string[] };
  explanation?: Explanation | null;
}

/** Passages that are seen at once. */
const SHOWN = 5;

export interface Setting {
  release: number | undefined;
  as_of: string | undefined;
}

export function tryOut(text: string, setting: Setting, history: { role: string; text: string }[] = []): Promise<Trial> {
  return post<Trial>("/v1/knowledge/try", { text, history, ...(setting.release ? { release: setting.release } : {}), ...(setting.as_of ? { as_of: setting.as_of } : {}) });
}

/** The page. */
export function hitTest(root: HTMLElement): void {
  const question = h("textarea", { id: "question", rows: "2", required: true, maxlength: "4000", placeholder: t("比如：羽绒服可以机洗吗？", "Say: can I machine-wash the jacket?") });
  const release = h("select", { id: "release" }, h("option", { value: "" }, t("线上版本", "Live release")));
  const asOf = h("input", { id: "as-of", type: "datetime-local" });
  const before = h("textarea", { rows: "3", placeholder: t("顾客：你们有羽绒服吗\n小二：有，云朵系列……", "Shopper: do you sell jackets?\nXiaoer: yes, the Ridgeline …") });
  const ask = h("button", { class: "primary" }, t("试问", "Ask"));
  const shown = h("div", { class: "section", "aria-live": "polite" });
  const setting = (): Setting => ({ release: Number(release.value) || undefined, as_of: asOf.value || undefined });
  const run = () =>
    attempt(async () => {
      const trial = await tryOut(question.value, setting(), turnsOf(before.value));
      shown.replaceChildren(...result(trial));
      history.replaceState(null, "", addressOf(question.value, release.value, asOf.value));
    }, ask);
  const form = h(
    "form",
    { class: "card stack", onsubmit: (event: Event) => (event.preventDefault(), void run()) },
    h("label", {}, t("顾客会怎么问", "What a shopper would write"), question),
    h(
      "div",
      { class: "pair" },
      h("label", {}, t("哪个版本", "Which release"), release),
      h("label", {}, t("什么时候问（空 = 现在，按店铺时区）", "Asked when (empty = now; the shop's time zone)"), asOf),
    ),
    h("details", {}, h("summary", {}, t("前面聊过什么", "What was said before")), h("div", { class: "section" }, before, h("p", { class: "hint" }, t("一行一句，顾客和小二轮流说。", "A line each; the shopper and Xiaoer take turns.")))),
    h("div", { class: "row apart" }, h("p", { class: "hint" }, t("试问不会留下任何记录，也不会转给人工。", "A test leaves no record and calls nobody.")), ask),
  );
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  const many = batch(setting);
  root.append(tabs([t("一个问题", "One question"), h("div", {}, form, shown)], [t("一张表", "A spreadsheet"), many]));
  const asked = new URLSearchParams(location.search);
  question.value = asked.get("q") ?? "";
  asOf.value = asked.get("at") ?? "";
  void attempt(async () => {
    const list = await get<ReleaseList>("/v1/knowledge/releases");
    for (const one of list.releases.filter((r) => r.state === "built").slice(0, 30)) {
      if (!one.live) release.append(h("option", { value: String(one.number) }, t(`第 ${one.number} 版`, `Release ${one.number}`) + (one.number > (list.live ?? 0) ? t("（待发布）", " (staged)") : "")));
    }
    release.value = asked.get("release") ?? "";
    if (release.selectedIndex < 0) release.value = "";
    if (question.value) await run();
    else question.focus();
  });
}

/** Two panels of which one is seen. */
function tabs(...parts: [string, HTMLElement][]): HTMLElement {
  const bar = h("div", { class: "chips tabbar", role: "tablist" });
  const pick = (index: number) =>
    parts.forEach(([, panel], at) => {
      panel.hidden = at !== index;
      bar.children[at]?.setAttribute("aria-selected", String(at === index));
    });
  parts.forEach(([name, panel], at) => {
    panel.setAttribute("role", "tabpanel");
    bar.append(h("button", { type: "button", role: "tab", class: "chip", onclick: () => pick(at) }, name));
  });
  pick(0);
  return h("div", {}, bar, ...parts.map(([, panel]) => panel));
}

function turnsOf(text: string): { role: string; text: string }[] {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return lines.map((line, index) => {
    const said = /^\s*(顾客|小二|shopper|xiaoer)\s*[:：]\s*/i.exec(line);
    const own = said ? /顾客|shopper/i.test(said[1] ?? "") : index % 2 === 0;
    return { role: own ? "user" : "assistant", text: said ? line.slice(said[0].length) : line };
  });
}

function addressOf(q: string, release: string, at: string): string {
  const wanted = Object.entries({ shop: new URLSearchParams(location.search).get("shop") ?? "", q, release, at }).filter(([, value]) => value);
  return `/console/test?${new URLSearchParams(wanted)}`;
}

function result(trial: Trial): HTMLElement[] {
  return [h("div", { class: "columns" }, said(trial), understood(trial)), trial.explanation ? explained(trial.explanation) : h("div", {}), passages(trial)];
}

function said(trial: Trial): HTMLElement {
  const cited: string[] = [];
  const words = h("div", { class: "bubble" });
  for (const sentence of trial.sentences) {
    words.append(sentence.text);
    for (const where of sentence.citations) {
      if (!cited.includes(where)) cited.push(where);
      words.append(h("sup", {}, String(cited.indexOf(where) + 1)));
    }
    if (!chinese || /[\w.!?]$/.test(sentence.text)) words.append(" ");
  }
  if (!trial.sentences.length) words.append(trial.reply.text || t("（没有话）", "(nothing is said)"));
  const sources = h("ol", { class: "sources" }, ...cited.map((where, index) => h("li", { class: "source" }, `${index + 1}. ${citedPlace(where)}`)));
  const bar = h("i");
  bar.style.width = percent(trial.confidence);
  const mark = h("b");
  mark.style.insetInlineStart = percent(trial.threshold);
  return h(
    "section",
    { class: "card" },
    h("div", { class: "card-head" }, h("h2", {}, t("顾客会读到", "What the shopper reads")), decisionBadge(trial.decision)),
    words,
    cited.length ? sources : "",
    h("div", { class: "sure" }, h("div", { class: `meter marked ${trial.confidence < trial.threshold ? "low" : ""}` }, bar, mark), h("span", {}, t(`把握 ${percent(trial.confidence)}，够 ${percent(trial.threshold)} 才答`, `${percent(trial.confidence)} sure; ${percent(trial.threshold)} are needed to answer`))),
    h("p", { class: "why" }, h("strong", {}, t("为什么：", "Why: ")), why(trial)),
    trial.decision === "handoff" || trial.decision === "clarify" ? h("p", { class: "section" }, h("a", { class: "button", href: `/console/knowledge?${new URLSearchParams({ shop, new: trial.question.text })}` }, t("写一条答案", "Write the answer"))) : "",
  );
}

function citedPlace(where: string): string {
  const [path = "", ...rest] = where.split(" · ");
  return placeName(path, rest.join(" · "));
}

/** The decision explained in a sentence. */
export function why(trial: Trial): string {
  const sure = percent(trial.confidence);
  const needed = percent(trial.threshold);
  switch (trial.decision) {
    case "answer":
      return trial.confidence >= trial.threshold
        ? t(`把握 ${sure} 达到了 ${needed}，所以用资料里的原话回答，每句都核对过出处。`, `${sure} sure is enough (${needed}), so it answers in the knowledge's own words; each sentence was checked against its source.`)
        : t("答案直接由资料中的值得出，不靠判断。", "The answer follows from a looked-up value; nothing had to be judged.");
    case "clarify":
      return t(`把握只有 ${sure}，问题又说得不够清楚，先反问一次。`, `Only ${sure} sure and the question leaves something open, so it asks back once.`);
    case "tool":
      return t("问的是自己的订单，去查了订单。", "It is about the shopper's own order, so the order was looked up.");
    case "handoff":
      return t(`转人工：${reasonName(trial.reason)}。把握 ${sure}，低于 ${needed} 就不乱答。`, `Handed over: ${reasonName(trial.reason)}. ${sure} sure; below ${needed} it does not guess.`);
    case "refuse":
      return t(`拒绝：${reasonName(trial.reason)}。`, `Refused: ${reasonName(trial.reason)}.`);
    default:
      return t("是寒暄，不需要查资料。", "It is small talk and needs no knowledge.");
  }
}

function understood(trial: Trial): HTMLElement {
  const rows: [string, string][] = [
    [t("语言", "Language"), trial.question.language === "zh" ? t("中文", "Chinese") : t("英文", "English")],
    [t("改写成", "Rewritten as"), trial.question.standalone],
    [t("意图", "Intent"), trial.question.intent],
    [t("问的属性", "Values asked for"), trial.asked.join("、")],
    [t("决定", "Decision"), decisionName(trial.decision) + (trial.reason ? ` · ${reasonName(trial.reason)}` : "")],
    [t("版本", "Release"), String(trial.release)],
    [t("时间", "As of"), new Date(trial.as_of).toLocaleString(chinese ? "zh-CN" : "en-GB")],
  ];
  const signals = Object.entries(trial.question.signals);
  return h(
    "section",
    { class: "card" },
    h("h2", {}, t("怎么理解的", "How it was understood")),
    h("dl", { class: "facts" }, ...rows.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    signals.length ? h("details", {}, h("summary", {}, t("信号", "Signals")), scoreList(signals)) : "",
    trial.reply.related_questions.length ? h("p", { class: "hint" }, t("接着推荐：", "Suggested next: ") + trial.reply.related_questions.join(" · ")) : "",
  );
}

function passages(trial: Trial): HTMLElement {
  const list = h("ol", { class: "hits" });
  const all = h("button", { type: "button", class: "small" }, t(`再看 ${trial.hits.length - SHOWN} 条`, `Show ${trial.hits.length - SHOWN} more`));
  all.hidden = trial.hits.length <= SHOWN;
  all.addEventListener("click", () => {
    for (const item of list.children) (item as HTMLElement).hidden = false;
    all.hidden = true;
  });
  trial.hits.forEach((hit, index) => {
    const sure = hit.scores.confidence ?? 0;
    const bar = h("i");
    bar.style.width = percent(sure);
    list.append(
      h(
        "li",
        { class: used(hit, trial) ? "hit used" : "hit", hidden: index >= SHOWN },
        h("div", { class: "rank" }, h("strong", {}, String(index + 1)), h("div", { class: "meter" }, bar), h("span", {}, percent(sure))),
        h(
          "div",
          {},
          h("div", { class: "row" }, h("span", { class: "badge" }, kindName(hit.kind)), h("h3", {}, hit.title), used(hit, trial) ? h("span", { class: "badge good" }, t("用在回答里", "used")) : ""),
          h("p", { class: "prose clip" }, hit.text),
          h("p", { class: "source" }, placeName(hit.path, hit.locator)),
          hit.kind === "faq" && hit.title !== trial.question.text ? teach(hit, trial.question.text) : "",
          h("details", {}, h("summary", {}, t("所有分数", "Every score")), scoreList(Object.entries(hit.scores)), h("p", { class: "prose" }, hit.text)),
        ),
      ),
    );
  });
  return h(
    "section",
    { class: "card section" },
    h("div", { class: "card-head" }, h("h2", {}, t("找到的资料", "What was found")), h("small", {}, t("按把握排序；分数只和同类分数比。", "Best first; a score compares with its own kind only."))),
    trial.hits.length ? h("div", {}, list, all) : h("p", { class: "hint" }, t("什么也没找到。", "Nothing was found.")),
  );
}

/** Makes the question another way of asking that row, as a draft: the quickest cure for one that was not understood. */
function teach(hit: Hit, question: string): HTMLElement {
  const button = h("button", { type: "button", class: "link small-link" }, t("把这句加成它的问法", "Make this one of its phrasings"));
  button.addEventListener("click", () =>
    attempt(async () => {
      const { chunks } = await rows.list({ path: hit.path, q: hit.title, kind: "faq", limit: 20 });
      const found = chunks.find((row) => row.locator === hit.locator) ?? chunks.find((row) => row.title === hit.title);
      if (!found) throw new Problem(404, "not-found", t("这一条在最新的版本里已经不在了。", "The newest release no longer has this row."));
      const row = await rows.one(found.key);
      const phrasings = [...((row.fields.phrasings ?? []) as string[]), question];
      const now = await rows.change(row.key, row.version, { phrasings });
      const number = now.edits[0]?.number;
      toast(t("已加为问法（草稿），建成版本后生效", "Added as a draft; it counts once a release is made of it"), "good", number ? { label: t("撤销", "Undo"), run: () => void attempt(async () => void (await rows.undo({ numbers: [number] }))) } : undefined);
      button.replaceWith(h("span", { class: "badge good" }, t("已加为问法", "added as a phrasing")));
    }, button),
  );
  return h("p", {}, button);
}

function used(hit: Hit, trial: Trial): boolean {
  return trial.decision === "answer" && trial.used.includes(hit.chunk_id);
}

function scoreList(scores: [string, number][]): HTMLElement {
  return h("ul", { class: "scores" }, ...scores.map(([name, value]) => h("li", {}, h("span", {}, name), h("b", {}, typeof value === "number" ? String(Math.round(value * 1000) / 1000) : String(value)))));
}

