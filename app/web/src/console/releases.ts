/** Releases: what waits, what it would change, publishing, history, and going back. */

import { h } from "../dom.ts";
import { get, post, Problem } from "../staff/api.ts";
import { ask, attempt, sure, toast } from "../staff/feedback.ts";
import { ago, count, moment, t } from "../staff/words.ts";
import { type Checks, checksView, reasonsOf } from "./checks.ts";
import { type Diff, diffCounts, diffView, fetchDiff } from "./diff.ts";

export interface Release {
  number: number;
  state: "staged" | "built" | "failed" | "swept";
  live: boolean;
  created_at: string;
  published_at: string | null;
  chunks: number;
  note: string;
}

export interface ReleaseList {
  live: number | null;
  releases: Release[];
}

interface Move {
  at: string;
  from: number | null;
  to: number;
  by: string;
  reason: string;
}

/** The newest release that was built after the live one. */
function newerOf(list: ReleaseList): Release | undefined {
  return list.releases.find((release) => release.state === "built" && release.number > (list.live ?? 0));
}

/** The newer release when no shopper has had it yet: it waits to be published. */
export function waitingOf(list: ReleaseList): Release | undefined {
  const newer = newerOf(list);
  return newer?.published_at ? undefined : newer;
}

/** The newer release when it was live already, and somebody went back. */
function leftOf(list: ReleaseList): Release | undefined {
  const newer = newerOf(list);
  return newer?.published_at ? newer : undefined;
}

/** Moves the pointer to a release and offers to take it back at once. */
export async function publish(number: number, live: number | null, done: () => void, more: { reason?: string; force?: string } = {}): Promise<void> {
  await post("/v1/knowledge/releases/publish", { release: number, ...more });
  toast(t(`第 ${number} 版已上线`, `Release ${number} is live`), "good", live ? { label: t("撤销", "Undo"), run: () => void attempt(() => rollback(live, done)) } : undefined);
  done();
}

async function rollback(number: number, done: () => void, reason = ""): Promise<void> {
  await post("/v1/knowledge/releases/rollback", { release: number, reason });
  toast(t(`已退回第 ${number} 版`, `Back to release ${number}`));
  done();
}

/** The page. */
export function releasesPage(root: HTMLElement): void {
  const load = () =>
    attempt(async () => {
      const [list, story] = await Promise.all([get<ReleaseList>("/v1/knowledge/releases"), get<{ moves: Move[] }>("/v1/knowledge/releases/history")]);
      const waiting = waitingOf(list);
      const newer = newerOf(list);
      const diff = newer && list.live ? await fetchDiff(list.live, newer.number) : null;
      const checks = waiting ? await get<Checks>(`/v1/knowledge/releases/${waiting.number}/checks`).catch(unknown) : null;
      root.replaceChildren(...view(list, story.moves, waiting, diff, checks, load));
    });
  root.replaceChildren(h("p", { class: "loading" }, t("正在读取…", "Loading…")));
  void load();
}

/** A release that is older than the checks has none. */
function unknown(error: unknown): null {
  if (error instanceof Problem && error.status === 404) return null;
  throw error;
}

function view(list: ReleaseList, moves: Move[], waiting: Release | undefined, diff: Diff | null, checks: Checks | null, load: () => void): HTMLElement[] {
  if (!list.releases.length) return [nothing()];
  const live = list.releases.find((release) => release.live);
  const left = leftOf(list);
  return [
    liveCard(live, moves, load),
    waiting ? waitingCard(waiting, list.live, diff, checks, load) : h("section", { class: "card" }, h("h2", {}, t("没有等待发布的改动", "Nothing is waiting")), h("p", { class: "hint" }, t("上传文件或编辑问答之后，新的版本会在这里等您确认。", "After an upload or an edit, the new release waits here for your word."))),
    ...(left ? [leftCard(left, moves.find((move) => move.from === left.number), list.live, diff, load)] : []),
    historyCard(list, moves, load),
    compareCard(list),
  ];
}

function nothing(): HTMLElement {
  return h("section", { class: "card empty" }, h("h2", {}, t("还没有版本", "There is no release yet")), h("p", {}, t("先上传资料，小二会建出第一个版本。", "Upload something first; it becomes the first release.")), h("a", { class: "button primary", href: `/console/upload${location.search}` }, t("去上传", "Upload")));
}

function liveCard(live: Release | undefined, moves: Move[], load: () => void): HTMLElement {
  const last = moves[0];
  const back = last?.from && live && last.to === live.number && last.from < live.number ? last.from : null;
  const undo = h("button", { type: "button" }, t(`退回第 ${back} 版`, `Back to release ${back}`));
  undo.addEventListener("click", () => back && attempt(() => rollback(back, load), undo));
  return h(
    "section",
    { class: "card live-card" },
    h("div", { class: "row apart" },
      h("div", {}, h("p", { class: "eyebrow" }, t("线上", "Live")), h("h2", { class: "big-number" }, live ? t(`第 ${live.number} 版`, `Release ${live.number}`) : t("还没有发布", "Nothing is live")),
        live ? h("p", { class: "hint" }, `${t(`${count(live.chunks)} 条知识`, `${count(live.chunks)} entries`)} · ${last ? `${last.by ? `${last.by} ` : ""}${ago(last.at)}` : moment(live.published_at)}`) : ""),
      back ? undo : "",
    ),
  );
}

function waitingCard(waiting: Release, live: number | null, diff: Diff | null, checks: Checks | null, load: () => void): HTMLElement {
  const held = checks?.held_back ?? false;
  const go = h("button", { type: "button", class: held ? "" : "primary" }, held ? t("仍要发布…", "Publish anyway…") : t(`发布第 ${waiting.number} 版`, `Publish release ${waiting.number}`));
  go.addEventListener("click", () => (held && checks ? void force(waiting.number, live, checks, load) : void attempt(() => publish(waiting.number, live, load), go)));
  return h(
    "section",
    { class: "card waiting" },
    h("div", { class: "row apart" },
      h("div", {}, h("p", { class: "eyebrow" }, t("等待发布", "Waiting to be published")), h("h2", { class: "big-number" }, t(`第 ${waiting.number} 版`, `Release ${waiting.number}`)), h("p", { class: "hint" }, `${ago(waiting.created_at)} · ${t(`${count(waiting.chunks)} 条知识`, `${count(waiting.chunks)} entries`)}${waiting.note ? ` · ${note(waiting.note)}` : ""}`)),
      h("div", { class: "row" }, h("a", { class: "button", href: tryLink(waiting) }, t("先试问", "Try it first")), go),
    ),
    checks ? checksView(checks) : "",
    changes(diff),
  );
}

function changes(diff: Diff | null): HTMLElement | string {
  return diff ? h("div", { class: "section" }, h("div", { class: "card-head" }, h("h2", {}, t("会改变什么", "What it changes")), diffCounts(diff)), diff.total ? diffView(diff) : "") : "";
}

/** The release that shoppers had until somebody went back: nothing new, and never a press away from being live. */
function leftCard(left: Release, move: Move | undefined, live: number | null, diff: Diff | null, load: () => void): HTMLElement {
  const when = move ? [moment(move.at), move.by, move.reason].filter(Boolean).join(" · ") : "";
  const go = h("button", { type: "button" }, t("再次发布…", "Publish again…"));
  go.addEventListener("click", async () => {
    const text = t(`第 ${left.number} 版曾经上线，后来被退回（${when || "时间不详"}）。它和退回之前一样，没有改过。`, `Release ${left.number} was live and was rolled back (${when || "nobody knows when"}). It is as it was then: nothing in it has changed.`);
    if (await sure(t(`再次发布第 ${left.number} 版？`, `Publish release ${left.number} again?`), text, t("再次发布", "Publish again"))) await attempt(() => publish(left.number, live, load), go);
  });
  return h(
    "section",
    { class: "card left" },
    h("div", { class: "row apart" },
      h("div", {}, h("p", { class: "eyebrow" }, t("已退回的版本", "Rolled back from")), h("h2", {}, t(`第 ${left.number} 版`, `Release ${left.number}`)), h("p", { class: "hint" }, when)),
      h("div", { class: "row" }, h("a", { class: "button", href: tryLink(left) }, t("先试问", "Try it first")), go),
    ),
    changes(diff),
  );
}

function tryLink(release: Release): string {
  return `/console/test?${new URLSearchParams({ shop: document.body.dataset.shop ?? "", release: String(release.number) })}`;
}

/** Publishing what is held back takes a reason, which is kept. */
async function force(number: number, live: number | null, checks: Checks, load: () => void): Promise<void> {
  const reason = h("textarea", { required: true, minlength: "4", maxlength: "500" });
  const answer = await ask<string>(t(`仍要发布第 ${number} 版？`, `Publish release ${number} anyway?`), (close) => [
    h("ul", { class: "stack tight" }, ...reasonsOf(checks).slice(0, 6).map((text) => h("li", { class: "alert" }, text))),
    h("form", { class: "stack section", onsubmit: (event: Event) => (event.preventDefault(), close(reason.value)) }, h("label", {}, t("为什么可以发布（会留在发布记录里）", "Why it may go live (kept in the history)"), reason), h("div", { class: "acts" }, h("button", { class: "danger" }, t("发布", "Publish")))),
  ]);
  if (answer !== null) await attempt(() => publish(number, live, load, { force: answer }));
}

/** What the run that built it noted, in the reader's language where it is the usual sentence. */
function note(text: string): string {
  const usual = /^(\d+) new, (\d+) changed, (\d+) vanished$/.exec(text);
  return usual ? t(`新增 ${usual[1]}，改动 ${usual[2]}，消失 ${usual[3]}`, text) : text;
}

function historyCard(list: ReleaseList, moves: Move[], load: () => void): HTMLElement {
  const known = new Map(list.releases.map((release) => [release.number, release]));
  const rows = moves.map((move) => {
    const target = known.get(move.to);
    const back = (move.from ?? 0) > move.to;
    const restore = h("button", { type: "button", class: "small" }, t("回到这一版", "Go back to it"));
    restore.addEventListener("click", () => chooseBack(move.to, load));
    return h(
      "li",
      { class: "move" },
      h("span", { class: `dot ${target?.live ? "now" : ""}`, "aria-hidden": "true" }),
      h("div", { class: "grow" },
        h("div", { class: "row" }, h("strong", {}, back ? t(`退回第 ${move.to} 版`, `Back to release ${move.to}`) : t(`发布第 ${move.to} 版`, `Release ${move.to} published`)), target?.live ? h("span", { class: "badge good" }, t("线上", "live")) : ""),
        h("p", { class: "hint" }, [moment(move.at), move.by, move.reason].filter(Boolean).join(" · ")),
      ),
      target && !target.live && target.state === "built" ? restore : "",
    );
  });
  return h("section", { class: "card" }, h("h2", {}, t("发布记录", "History")), rows.length ? h("ol", { class: "moves" }, ...rows) : h("p", { class: "hint" }, t("还没有发布过。", "Nothing was published yet.")));
}

async function chooseBack(number: number, load: () => void): Promise<void> {
  const reason = h("input", { maxlength: "300", placeholder: t("可以不写", "Optional") });
  const answer = await ask<string>(t(`退回第 ${number} 版？`, `Go back to release ${number}?`), (close) => [
    h("p", {}, t("只移动一个指针，马上生效；现在的版本会留着，随时可以再发布。", "One pointer moves, at once. The release that is live now stays and can be published again.")),
    h("form", { class: "stack section", onsubmit: (event: Event) => (event.preventDefault(), close(reason.value)) }, h("label", {}, t("原因", "Reason"), reason), h("div", { class: "acts" }, h("button", { class: "primary" }, t("退回", "Go back")))),
  ]);
  if (answer !== null) await attempt(() => rollback(number, load, answer));
}

function compareCard(list: ReleaseList): HTMLElement {
  const built = list.releases.filter((release) => release.state === "built");
  const options = () => built.map((release) => h("option", { value: String(release.number) }, t(`第 ${release.number} 版`, `Release ${release.number}`) + (release.live ? t("（线上）", " (live)") : "")));
  const before = h("select", {}, ...options());
  const after = h("select", {}, ...options());
  before.selectedIndex = Math.min(1, built.length - 1);
  const shown = h("div", { class: "section" });
  const go = h("button", { type: "button" }, t("比较", "Compare"));
  go.addEventListener("click", () =>
    attempt(async () => {
      const diff = await fetchDiff(Number(before.value), Number(after.value));
      shown.replaceChildren(diffCounts(diff), diff.total ? diffView(diff) : "");
    }, go),
  );
  return built.length < 2 ? h("span", { hidden: true }) : h("section", { class: "card" }, h("h2", {}, t("比较任意两版", "Compare any two")), h("div", { class: "row" }, h("label", { class: "grow" }, t("从", "From"), before), h("label", { class: "grow" }, t("到", "To"), after), h("div", { class: "align-end" }, go)), shown);
}
