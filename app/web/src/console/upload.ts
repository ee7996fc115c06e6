/** Uploading: drop files, watch them being read, see what came of each; and what was uploaded before. */

import { h } from "../dom.ts";
import { address, get, post, send, shop, upload } from "../staff/api.ts";
import { attempt, sure } from "../staff/feedback.ts";
import { ago, count, t } from "../staff/words.ts";
import { type Dropped, dropZone } from "./drop.ts";
import { isTable, mapButton } from "./mapping.ts";
import { follow, type Job, outcome, progressBar } from "./jobs.ts";

interface Uploaded {
  path: string;
  size_bytes: number;
  changed_at: string;
}

/** The page. */
export function uploadPage(root: HTMLElement): void {
  const now = h("div", { class: "section" });
  const before = h("div", { class: "section" });
  const list = () => attempt(async () => before.replaceChildren(uploaded((await get<{ files: Uploaded[] }>("/v1/knowledge/uploads")).files, now, list)));
  const zone = dropZone(
    t("把文件或整个文件夹拖到这里", "Drop files or a whole folder here"),
    t("csv · xlsx · docx · pdf · md · html · jsonl · zip；点这里也可以选文件。同名的上传会被替换；店铺文件夹里的文件不动，同名也一样。", "csv · xlsx · docx · pdf · md · html · jsonl · zip; or press to choose. An upload of the same name is replaced; files in the shop's folder stay, also of the same name."),
    "",
    (files) => void attempt(() => take(files, now, list)),
    true,
  );
  const again = h("button", { type: "button" }, t("重新读取全部来源", "Read every source again"));
  again.addEventListener("click", () => attempt(async () => void (await watch(await post<Job>("/v1/knowledge/reingest", { publish: false }), now, list)), again));
  root.replaceChildren(h("section", { class: "card stack" }, zone, h("div", { class: "row apart" }, h("p", { class: "hint" }, t("上传不会马上上线：先建好一个版本，等您看过再发布。", "An upload never goes live by itself: it becomes a release that waits for you.")), again)), now, before);
  void list();
  void attempt(() => pickUp(now, list));
}

/** What is being read for the shop already: begun by a colleague, or here before the page was loaded anew. */
async function pickUp(place: HTMLElement, done: () => void): Promise<void> {
  const { jobs } = await get<{ jobs: Job[] }>("/v1/knowledge/jobs");
  const job = jobs.find(({ state }) => state === "running") ?? jobs.find(({ state }) => state === "waiting");
  if (job && !place.childElementCount) await watch(job, place, done);
}

/** Sends files as one upload and follows what becomes of them. */
export async function take(files: Dropped[], place: HTMLElement, done: () => void = () => undefined): Promise<void> {
  const form = new FormData();
  for (const { file, path } of files) form.append("files", file, path);
  const bar = progressBar();
  const names = files.length > 3 ? t(`${files.length} 个文件`, `${files.length} files`) : files.map((one) => one.path).join("、");
  place.replaceChildren(h("section", { class: "card stack" }, h("h2", {}, names), bar.element));
  place.scrollIntoView({ block: "nearest", behavior: "smooth" });
  bar.tell("send", 0, 1);
  try {
    const job = await upload<Job>(address("/v1/knowledge/uploads", { shop, publish: "false" }), form, "", (share) => bar.tell("send", share, 1));
    await watch(job, place, done, names, bar);
  } catch (error) {
    place.replaceChildren();
    throw error;
  }
}

/** Follows a job in its own card. */
export async function watch(job: Job, place: HTMLElement, done: () => void = () => undefined, title = "", bar = progressBar()): Promise<Job> {
  const card = h("section", { class: "card stack" }, h("h2", {}, title || t("正在读取", "Reading")), bar.element);
  place.replaceChildren(card);
  bar.tell(job.stage, job.done, job.total);
  const over = await follow(job, bar.tell);
  card.replaceChildren(h("h2", {}, title || t("读完了", "Done")), outcome(over));
  done();
  return over;
}

function uploaded(files: Uploaded[], now: HTMLElement, reload: () => void): HTMLElement {
  if (!files.length) return h("section", { class: "card" }, h("h2", {}, t("上传过的文件", "Uploaded files")), h("p", { class: "hint" }, t("还没有。店铺文件夹里的资料不在这里列出。", "None yet. What lies in the shop's folder is not listed here.")));
  const rows = files.map((file) => {
    const drop = h("button", { type: "button", class: "small", "aria-label": `${t("移除", "Remove")} ${file.path}` }, t("移除", "Remove"));
    drop.addEventListener("click", async () => {
      if (await sure(t("移除这个文件？", "Remove this file?"), t(`${file.path} 里的知识会从下一个版本中去掉，发布之前线上不变。`, `What ${file.path} holds leaves the next release; what is live stays until you publish.`), t("移除", "Remove"), true)) {
        await attempt(async () => void (await watch(await send<Job>("DELETE", address("/v1/knowledge/uploads", { shop, path: file.path, publish: "false" })), now, reload)), drop);
      }
    });
    return h("tr", {}, h("td", { class: "source" }, file.path), h("td", { class: "number" }, size(file.size_bytes)), h("td", {}, ago(file.changed_at)), h("td", {}, h("div", { class: "row end" }, isTable(file.path) ? mapButton(file.path, (job) => watch(job, now, reload)) : "", drop)));
  });
  return h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, t("上传过的文件", "Uploaded files")), h("small", {}, count(files.length))), h("div", { class: "scroll flat" }, h("table", {}, h("tbody", {}, ...rows))));
}

function size(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
