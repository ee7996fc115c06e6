/** Work the server does in the background: followed to its end, then told file by file. */

import { h } from "../dom.ts";
import { count, t } from "../staff/words.ts";
import type { Checks } from "./checks.ts";

interface FileReport {
  path: string;
  chunks: number;
  new: number;
  changed: number;
  unchanged: number;
  vanished: number;
  error: string;
  error_zh?: string;
  skipped: { row: number | string; reason: string; reason_zh?: string }[];
  warnings: string[];
  warnings_zh?: string[];
}

export interface Report {
  release: number | null;
  live_release: number | null;
  files: FileReport[];
  ok: boolean;
  checks: Checks | null;
}

export interface Job {
  id: string;
  action: string;
  state: "waiting" | "running" | "done" | "failed";
  stage: string;
  done: number;
  total: number;
  created_at: string;
  finished_at: string | null;
  report: Report | null;
  problem: { title: string; detail: string } | null;
}

const STAGES: Record<string, [string, string]> = {
  send: ["正在上传", "Uploading"],
  fetch: ["正在下载", "Fetching"],
  read: ["正在读文件", "Reading files"],
  embed: ["正在理解内容", "Working out what it says"],
  index: ["正在写入索引", "Writing the index"],
  check: ["正在检查", "Checking"],
  suite: ["正在跑评测题", "Asking the shop's questions"],
};

/** A bar with what is being done; `tell` moves it. */
export function progressBar(): { element: HTMLElement; tell: (stage: string, done: number, total: number) => void } {
  const bar = h("i");
  const text = h("p", { class: "hint", role: "status" });
  const element = h("div", { class: "stack tight" }, text, h("div", { class: "progress" }, bar));
  return {
    element,
    tell: (stage, done, total) => {
      const [zh, en] = STAGES[stage] ?? ["正在处理", "Working"];
      text.textContent = total > 1 && stage !== "send" ? `${t(zh, en)} ${count(done)} / ${count(total)}` : `${t(zh, en)}…`;
      bar.style.width = total ? `${Math.round((100 * done) / total)}%` : "6%";
    },
  };
}

/** Follows a job until it is over. Losing the connection is harmless: the browser asks again. */
export function follow(job: Job, tell: (stage: string, done: number, total: number) => void): Promise<Job> {
  return new Promise((resolve) => {
    const source = new EventSource(`/v1/knowledge/jobs/${job.id}`);
    const over = (event: MessageEvent<string>) => {
      source.close();
      resolve(JSON.parse(event.data) as Job);
    };
    source.addEventListener("job.progress", (event: MessageEvent<string>) => {
      const now = JSON.parse(event.data) as Job;
      tell(now.stage, now.done, now.total);
    });
    source.addEventListener("job.completed", over);
    source.addEventListener("job.failed", over);
  });
}

/** What came of a job, and where to go next. */
export function outcome(job: Job): HTMLElement {
  if (job.problem || !job.report) {
    return h("div", { class: "alert", role: "alert" }, h("strong", {}, t("没有成功。", "It did not work. ")), job.problem?.detail ?? "");
  }
  const report = job.report;
  const changed = report.files.reduce((sum, file) => sum + file.new + file.changed + file.vanished, 0);
  const failed = report.files.filter((file) => file.error).length;
  const staged = report.release !== null && report.release !== report.live_release;
  const next = staged ? h("a", { class: "button primary", href: `/console/releases${location.search}` }, t("看差别，发布", "Review and publish")) : "";
  const said = staged
    ? t(`第 ${report.release} 版建好了，等您发布。线上的还没有变。`, `Release ${report.release} is ready and waits for you. What is live has not changed.`)
    : changed
      ? t("已经上线。", "It is live.")
      : t("读完了，内容和线上一样，没有要发布的。", "All was read; it says what is live already, so there is nothing to publish.");
  return h(
    "div",
    { class: "stack" },
    failed ? h("p", { class: "alert", role: "alert" }, t(`${failed} 个文件没有读成，其余照常。`, `${failed} file${failed > 1 ? "s" : ""} could not be read; the rest was.`)) : "",
    h("div", { class: "row apart" }, h("p", { class: staged || changed ? "good" : "note" }, said), next),
    fileTable(report.files),
  );
}

function fileTable(files: FileReport[]): HTMLElement {
  const told = files.filter((file) => file.chunks || file.error || file.skipped.length || file.warnings.length || file.vanished);
  const names = [t("文件", "File"), t("条", "Entries"), t("新增", "New"), t("改了", "Changed"), t("没变", "Same"), t("消失", "Gone")];
  const rows = told.flatMap((file) => {
    const numbers = [file.chunks, file.new, file.changed, file.unchanged, file.vanished];
    const notes = [
      ...(file.error ? [h("p", { class: "alert" }, t(file.error_zh || file.error, file.error))] : []),
      ...file.skipped.map((row) => h("p", { class: "hint" }, t(`跳过第 ${row.row} 行：`, `Row ${row.row} skipped: `) + t(row.reason_zh || row.reason, row.reason))),
      ...file.warnings.map((warning, index) => h("p", { class: "hint" }, t(file.warnings_zh?.[index] || warning, warning))),
    ];
    const shown = notes.length > 4 ? [h("details", {}, h("summary", {}, t(`${notes.length} 条说明`, `${notes.length} notes`)), ...notes)] : notes;
    return [
      h("tr", {}, h("td", { class: "source" }, file.path), ...numbers.map((n) => h("td", { class: "number" }, n ? count(n) : "·"))),
      ...(notes.length ? [h("tr", { class: "notes" }, h("td", { colspan: "6" }, ...shown))] : []),
    ];
  });
  return told.length ? h("div", { class: "scroll flat", tabindex: "0", role: "region", "aria-label": t("逐个文件", "File by file") }, h("table", {}, h("thead", {}, h("tr", {}, ...names.map((name, index) => h("th", index ? { class: "number" } : {}, name)))), h("tbody", {}, ...rows))) : h("span", { hidden: true });
}
