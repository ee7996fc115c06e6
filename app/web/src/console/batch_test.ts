/** Many questions at once, from a spreadsheet or pasted: what each would get, and the table to take away. */

import { h } from "../dom.ts";
import { upload } from "../staff/api.ts";
import { attempt, toast } from "../staff/feedback.ts";
import { count, percent, t } from "../staff/words.ts";
import { asCsv, harmless } from "./csv.ts";
import { dropZone } from "./drop.ts";
import { type Setting, type Trial, tryOut, why } from "./hit_test.ts";
import { decisionBadge, decisionName } from "./kinds.ts";

interface Row {
  question: string;
  expected: string;
  trial?: Trial;
  failed?: string;
}

const AT_ONCE = 2;

/** The panel; `setting` is read when it starts. */
export function batch(setting: () => Setting): HTMLElement {
  const text = h("textarea", { rows: "5", placeholder: t("一行一个问题；从表格里直接粘贴也行（第二列是期望的答案）", "A question a line; pasting from a spreadsheet works too (second column: what you expect)") });
  const shown = h("div", { class: "section", "aria-live": "polite" });
  const start = h("button", { type: "button", class: "primary" }, t("全部试问", "Ask them all"));
  const zone = dropZone(t("把问题表拖到这里", "Drop a sheet of questions here"), t("csv 或 xlsx，最多 500 行；认得表头 问题 / question、期望 / expected", "csv or xlsx, 500 rows at most; the headers question / 问题 and expected / 期望 are known"), ".csv,.tsv,.txt,.xlsx", (files) => {
    const file = files[0]?.file;
    if (file) {
      void attempt(async () => {
        const { questions } = await upload<{ questions: Row[] }>("/v1/knowledge/try/sheet", file, "application/octet-stream", () => undefined);
        text.value = questions.map((row) => [row.question, row.expected].filter(Boolean).map(oneLine).join("\t")).join("\n");
        toast(t(`读到 ${questions.length} 个问题`, `${questions.length} questions read`));
      });
    }
  });
  start.addEventListener("click", () => {
    const rows = text.value.split("\n").map((line) => line.split("\t")).filter(([q]) => q?.trim()).slice(0, 500);
    if (!rows.length) return toast(t("先放进一些问题", "Put some questions in first"), "bad");
    return void attempt(() => runAll(rows.map(([q, e]) => ({ question: (q ?? "").trim(), expected: (e ?? "").trim() })), setting(), shown), start);
  });
  return h("div", {}, h("section", { class: "card stack" }, zone, h("label", {}, t("或者粘贴", "Or paste them"), text), h("div", { class: "row apart" }, h("p", { class: "hint" }, t("用左边选好的版本和时间。", "Uses the release and the moment chosen on the other tab.")), start)), shown);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

async function runAll(rows: Row[], setting: Setting, shown: HTMLElement): Promise<void> {
  const bar = h("i");
  const progress = h("p", { class: "hint" });
  shown.replaceChildren(h("section", { class: "card" }, progress, h("div", { class: "progress" }, bar)));
  let done = 0;
  const waiting = [...rows];
  const work = async () => {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      try {
        row.trial = await tryOut(row.question, setting);
      } catch (error) {
        row.failed = error instanceof Error ? error.message : String(error);
      }
      done += 1;
      bar.style.width = percent(done / rows.length);
      progress.textContent = t(`已试 ${done} / ${rows.length}`, `${done} of ${rows.length} asked`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  shown.replaceChildren(...table(rows));
}

function table(rows: Row[]): HTMLElement[] {
  const decided = new Map<string, number>();
  for (const row of rows) decided.set(row.trial?.decision ?? "failed", (decided.get(row.trial?.decision ?? "failed") ?? 0) + 1);
  const answered = rows.filter((row) => row.trial?.decision === "answer" || row.trial?.decision === "tool").length;
  const body = h("tbody");
  const show = (only: string) => {
    body.replaceChildren(...rows.filter((row) => !only || (row.trial?.decision ?? "failed") === only).map(line));
    for (const chip of chips.children) chip.setAttribute("aria-pressed", String((chip as HTMLElement).dataset.only === only));
  };
  const chips = h("div", { class: "chips" }, ...["", ...decided.keys()].map((name) => h("button", { type: "button", class: "chip", "data-only": name, onclick: () => show(name) }, name ? `${name === "failed" ? t("没问成", "Failed") : decisionName(name)} ${decided.get(name)}` : `${t("全部", "All")} ${rows.length}`)));
  show("");
  const head = [t("问题", "Question"), t("决定", "Decision"), t("把握", "Sure"), t("回答", "Answer"), t("期望", "Expected")];
  return [
    h("div", { class: "figures" }, figure(count(rows.length), t("个问题", "questions")), figure(percent(answered / rows.length), t("直接回答", "answered at once")), figure(count(decided.get("handoff") ?? 0), t("转人工", "handed over"))),
    h("div", { class: "row apart section" }, chips, h("button", { type: "button", onclick: () => save(rows) }, t("下载结果", "Download results"))),
    h("div", { class: "scroll section", tabindex: "0", role: "region", "aria-label": t("结果", "Results") }, h("table", {}, h("thead", {}, h("tr", {}, ...head.map((name) => h("th", {}, name)))), body)),
  ];
}

function figure(value: string, label: string): HTMLElement {
  return h("div", { class: "figure" }, h("strong", {}, value), h("span", {}, label));
}

function line(row: Row): HTMLElement {
  const link = `/console/test?${new URLSearchParams({ shop: document.body.dataset.shop ?? "", q: row.question })}`;
  if (!row.trial) return h("tr", {}, h("td", {}, row.question), h("td", { colspan: "4" }, row.failed ?? ""));
  return h(
    "tr",
    {},
    h("td", {}, h("a", { href: link }, row.question)),
    h("td", {}, decisionBadge(row.trial.decision)),
    h("td", { class: "number" }, percent(row.trial.confidence)),
    h("td", {}, h("p", { class: "clip", title: why(row.trial) }, row.trial.reply.text), h("p", { class: "source" }, row.trial.sentences[0]?.citations[0] ?? "")),
    h("td", {}, row.expected),
  );
}

function save(rows: Row[]): void {
  const head = ["question", "decision", "confidence", "answer", "source", "expected"];
  const lines = rows.map((row) => [row.question, row.trial?.decision ?? "failed", row.trial ? String(row.trial.confidence) : "", row.trial?.reply.text ?? row.failed ?? "", row.trial?.sentences[0]?.citations[0] ?? "", row.expected]);
  const text = asCsv([head, ...lines].map((cells) => cells.map(harmless)));
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "hit-test.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
