/** What may be promised: the certificate, its curve, the limit the owner chooses, and any turn explained. */

import { h } from "../dom.ts";
import { get, post } from "../staff/api.ts";
import { attempt, toast } from "../staff/feedback.ts";
import { ago, moment, percent, t } from "../staff/words.ts";
import { type Explanation, explained, sources } from "./explanation.ts";

interface Group {
  name: string;
  threshold: number | null;
  sent: number;
  wrong: number;
  bound: number;
  labels: number;
  missing: number;
}

interface Level {
  alpha: number;
  holds: boolean;
  answered: number;
  why_pooled: string;
  groups: Group[];
}

interface Report {
  default_threshold: number;
  alpha: number | null;
  choices: { alpha: number | null; by: string; at: string; undone_by: string }[];
  stale: "embedder" | "model" | "knowledge" | null;
  drift?: number;
  certificate: {
    id: string;
    made_at: string;
    delta: number;
    lineage: { release: number; embedder: string; model: string };
    levels: Level[];
    told: { labels: number; in_scope: number; answers: number; ece: number | null; aurc: number | null; suite: string; taught: boolean; smallest_alpha: number | null; curve: number[][]; reliability: number[][] };
  } | null;
  shift: { alarm: boolean; answers: number; feature: string; handing_over: boolean } | null;
}

type Certified = NonNullable<Report["certificate"]>;
const SVG = "http://www.w3.org/2000/svg";
const owner = document.body.dataset.role === "admin";

/** The page. */
export function trustPage(root: HTMLElement): void {
  const state = h("div", {});
  const show = (report: Report) => state.replaceChildren(...(report.certificate ? certified(report, report.certificate, act) : [none(report)]));
  const act = (path: string, body: Record<string, unknown>, said: string, control: HTMLElement) =>
    attempt(async () => {
      show(await post<Report>(path, body));
      const undo = path.endsWith("/undo") ? undefined : { label: t("撤销", "Undo"), run: () => void act("/v1/knowledge/trust/undo", {}, t("已撤销", "Taken back"), state) };
      toast(said, "good", undo);
    }, control);
  root.append(state, turnCard());
  void attempt(async () => show(await get<Report>("/v1/knowledge/trust")));
}

function none(report: Report): HTMLElement {
  return h(
    "section",
    { class: "card empty" },
    h("h2", {}, t("还没有证书", "There is no certificate yet")),
    h("p", {}, t(`现在把握到 ${percent(report.default_threshold)} 就回答。给店铺一份带标准答案的题库（suite.jsonl），再运行：`, `Answers go from ${percent(report.default_threshold)} on. Give the shop a labelled suite (suite.jsonl), then run:`)),
    h("p", {}, h("kbd", {}, `xiaoer calibrate ${document.body.dataset.shop ?? ""}=suite.jsonl --no-fit`)),
    h("p", { class: "hint" }, t("至少 100 个能回答的问题、一个不错，才能证明“最多错 5%”。", "At least 100 answers without a mistake are needed to certify “at most 5% wrong”.")),
  );
}

type Act = (path: string, body: Record<string, unknown>, said: string, control: HTMLElement) => Promise<void>;

function certified(report: Report, made: Certified, act: Act): HTMLElement[] {
  return [...warnings(report), promise(report, made), choice(report, made, act), plots(report, made), past(report)];
}

function warnings(report: Report): HTMLElement[] {
  const found: string[] = [];
  const changed = { embedder: t("向量模型换过了", "the embedder changed"), model: t("判断模型重新拟合过", "the models were fitted anew"), knowledge: t(`知识改了 ${percent(report.drift ?? 0)}`, `${percent(report.drift ?? 0)} of the knowledge changed`) };
  if (report.stale) found.push(t(`证书已失效：${changed[report.stale]}。请重新运行 xiaoer calibrate。在那之前按较高的门槛回答。`, `The certificate is stale: ${changed[report.stale]}. Run xiaoer calibrate again; until then the stricter threshold holds.`));
  if (report.shift?.alarm) found.push(report.shift.handing_over ? t("最近的问题和校准时不一样了，证书不再可信：暂时一律转人工。", "What shoppers ask now is not what was certified: everything is handed over for the time being.") : t("最近的问题和校准时不一样了，回答暂不带证书。", "What shoppers ask now is not what was certified: replies name no certificate."));
  return found.map((text) => h("p", { class: "alert", role: "alert" }, text));
}

function promise(report: Report, made: Certified): HTMLElement {
  const level = made.levels.find((one) => one.alpha === report.alpha);
  const chosen = report.alpha !== null && level?.holds;
  const cells: [string, string][] = [
    [chosen ? `≤ ${share(report.alpha ?? 0)}` : t("未选", "none"), t("发出的回答最多错这么多", "of what is sent may be wrong")],
    [chosen && level ? percent(level.answered) : "—", t("店里知道的问题能回答这么多", "of questions in scope are answered")],
    [chosen && level ? thresholds(level) : percent(report.default_threshold), t("把握到这里才回答", "confidence needed to answer")],
    [String(made.told.labels), t(`道带答案的题 · ${made.told.suite}`, `labelled questions · ${made.told.suite}`)],
  ];
  return h(
    "section",
    {},
    h("div", { class: "figures" }, ...cells.map(([value, label]) => h("div", { class: "figure" }, h("strong", {}, value), h("span", {}, label)))),
    h("p", { class: "hint" }, t(`证书 ${made.id}，${ago(made.made_at)}签发，可信度 ${percent(1 - made.delta)}，针对第 ${made.lineage.release} 版知识。`, `Certificate ${made.id}, made ${ago(made.made_at)}, at ${percent(1 - made.delta)} confidence, on release ${made.lineage.release}.`), made.told.taught ? t(" 这些题也教过模型，新问题上会差一些。", " These questions also taught the models: expect somewhat less of new ones.") : ""),
  );
}

function choice(report: Report, made: Certified, act: Act): HTMLElement {
  const rows = made.levels.map((level) => {
    const pick = h("button", { type: "button", class: level.alpha === report.alpha ? "small primary" : "small", "aria-pressed": String(level.alpha === report.alpha) }, level.alpha === report.alpha ? t("正在用", "in use") : t("选这个", "Choose"));
    pick.disabled = !level.holds || !owner || level.alpha === report.alpha;
    pick.addEventListener("click", () => void act("/v1/knowledge/trust", { alpha: level.alpha }, t(`最多错 ${share(level.alpha)}，从下一句话起生效`, `At most ${share(level.alpha)} wrong, from the next message on`), pick));
    return h("tr", {}, h("td", {}, h("strong", {}, share(level.alpha))), h("td", {}, level.holds ? percent(level.answered) : "—"), h("td", {}, level.holds ? thresholds(level) : "—"), h("td", {}, told(level)), h("td", {}, pick));
  });
  const free = h("button", { type: "button", class: "small" }, t("不设上限", "No limit"));
  free.disabled = !owner || report.alpha === null;
  free.addEventListener("click", () => void act("/v1/knowledge/trust", {}, t("不设上限，用设置里的门槛", "No limit: the threshold of the settings holds"), free));
  const heads = [t("最多错", "At most wrong"), t("能回答", "Answered"), t("门槛", "Threshold"), t("依据", "Grounds"), ""];
  return h(
    "section",
    { class: "card section" },
    h("div", { class: "card-head" }, h("h2", {}, t("您能接受错多少？", "How many mistakes can you live with?")), h("small", {}, owner ? t("随时可以改，也可以撤销。", "Change it at any time; it can be undone.") : t("由管理员选择。", "An admin chooses."))),
    h("div", { class: "scroll flat" }, h("table", { class: "levels" }, h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", {}, head)))), h("tbody", {}, ...rows))),
    h("div", { class: "row end section" }, free),
    h("p", { class: "hint" }, t("请先想好能接受多少，再看表：看着曲线挑出来的数，不算数。", "Decide what you can live with before you look: a limit picked off the curve was picked by the labels.")),
  );
}

function told(level: Level): string {
  if (level.holds) {
    const groups = level.groups.filter((group) => group.threshold !== null);
    const sent = groups.reduce((sum, group) => sum + group.sent, 0);
    const wrong = groups.reduce((sum, group) => sum + group.wrong, 0);
    return t(`${sent} 条里错 ${wrong} 条`, `${wrong} of ${sent} wrong`) + (groups.length > 1 ? t("，按语言和类别分开", ", by language and kind") : t("，各类合在一起算", ", all kinds pooled"));
  }
  const missing = Math.max(...level.groups.map((group) => group.missing));
  return missing ? t(`还差约 ${missing} 道题`, `about ${missing} labels missing`) : t("加题也不够：最有把握的也错得更多", "out of reach: even the surest are wrong more often");
}

function thresholds(level: Level): string {
  const known = level.groups.map((group) => group.threshold).filter((one): one is number => one !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return low === high ? percent(low) : `${percent(low)}–${percent(high)}`;
}

function share(alpha: number): string {
  return `${Math.round(alpha * 1000) / 10}%`;
}

function plots(report: Report, made: Certified): HTMLElement {
  const { curve, reliability, ece } = made.told;
  const level = made.levels.find((one) => one.alpha === report.alpha && one.holds);
  const threshold = level ? Math.min(...level.groups.map((group) => group.threshold ?? 1)) : report.default_threshold;
  const top = Math.max(0.05, ...curve.map((point) => point[2] ?? 0)) * 1.1;
  return h(
    "div",
    { class: "columns section" },
    h("figure", { class: "card plot" }, h("figcaption", {}, h("h2", {}, t("多答一些，多错多少", "What answering more costs")), h("small", {}, t("横轴：回答的比例；纵轴：其中错的。竖线是现在的门槛。", "Across: share answered. Up: wrong among them. The line: the threshold in use."))), riskPlot(curve, threshold, top)),
    h("figure", { class: "card plot" }, h("figcaption", {}, h("h2", {}, t("说八成把握，真有八成对吗", "Does 80% sure come true in 80%?")), h("small", {}, t(`横轴：把握；纵轴：真对的比例。平均差 ${ece ?? "—"}`, `Across: confidence. Up: share right. Mean error ${ece ?? "—"}`))), reliabilityPlot(reliability)),
  );
}

const [W, H, L, B, T] = [420, 260, 44, 30, 10];
const x = (share: number): number => L + (W - L - 16) * share;
const y = (share: number): number => T + (H - T - B) * (1 - share);

function draw(name: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text) element.textContent = text;
  return element;
}

function frame(label: string, top: number): SVGElement {
  const svg = draw("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label });
  for (const n of [0, 1, 2, 3, 4]) {
    svg.append(draw("path", { class: "grid", d: `M${L} ${y(n / 4)}H${W - 10}` }), draw("text", { x: L - 6, y: y(n / 4) + 4, class: "tick end" }, `${Math.round((1000 * top * n) / 4) / 10}%`), draw("text", { x: x(n / 4), y: H - 10, class: "tick middle" }, `${25 * n}%`));
  }
  return svg;
}

function riskPlot(curve: number[][], threshold: number, top: number): SVGElement {
  const svg = frame(t("回答比例和错误率", "Risk and coverage"), top);
  const point = (coverage: number, risk: number) => `${x(coverage).toFixed(1)} ${y(Math.min(1, risk / top)).toFixed(1)}`;
  const high = curve.map((p) => point(p[1] ?? 0, p[4] ?? 0));
  const low = [...curve].reverse().map((p) => point(p[1] ?? 0, p[3] ?? 0));
  svg.append(draw("path", { class: "band", d: `M${[...high, ...low].join("L")}Z` }));
  svg.append(draw("path", { class: "line", d: `M${curve.map((p) => point(p[1] ?? 0, p[2] ?? 0)).join("L")}` }));
  const inside = curve.filter((p) => (p[0] ?? 0) >= threshold).at(-1);
  if (inside) svg.append(draw("path", { class: "mark", d: `M${x(inside[1] ?? 0)} ${y(0)}V${y(1)}` }));
  return svg;
}

function reliabilityPlot(bins: number[][]): SVGElement {
  const svg = frame(t("把握和正确率", "Reliability"), 1);
  const most = Math.max(1, ...bins.map((bin) => bin[2] ?? 0));
  svg.append(draw("path", { class: "ideal", d: `M${x(0)} ${y(0)}L${x(1)} ${y(1)}` }));
  for (const [sure = 0, right = 0, n = 0] of bins) svg.append(draw("circle", { class: "spot", cx: x(sure), cy: y(right), r: 3 + 8 * Math.sqrt(n / most) }));
  return svg;
}

function past(report: Report): HTMLElement {
  const lines = [...report.choices].reverse().slice(0, 8).map((one) => h("li", { class: "hint" }, `${moment(one.at)} · ${one.by} · ${one.alpha === null ? t("不设上限", "no limit") : `≤ ${share(one.alpha)}`}${one.undone_by ? t(`（${one.undone_by} 撤销）`, ` (taken back by ${one.undone_by})`) : ""}`));
  return lines.length ? h("details", { class: "section" }, h("summary", {}, t("以前的选择", "Earlier choices")), h("ul", {}, ...lines)) : h("div", {});
}

/** Any turn of the log, by its id. */
function turnCard(): HTMLElement {
  const id = h("input", { type: "text", placeholder: "c_…/m_…", required: true, maxlength: "200", "aria-label": t("会话或消息编号", "Id of the conversation or message") });
  const ask = h("button", { class: "primary" }, t("说明", "Explain"));
  const shown = h("div", { "aria-live": "polite" });
  const run = () =>
    attempt(async () => {
      const told = await get<Explanation>("/v1/knowledge/explain", { turn: id.value.trim() });
      shown.replaceChildren(explained(told), sources(told));
    }, ask);
  id.value = new URLSearchParams(location.search).get("turn") ?? "";
  if (id.value) void run();
  return h(
    "section",
    { class: "section" },
    h("form", { class: "card stack", onsubmit: (event: Event) => (event.preventDefault(), void run()) }, h("h2", {}, t("为什么那句话是那样答的？", "Why was it answered like that?")), h("p", { class: "hint" }, t("填会话编号（c_…）或消息编号（m_…），在工作台和接口的回复里都能看到。", "Give the id of a conversation (c_…) or a message (m_…); the desk and every reply of the API have them.")), h("div", { class: "row" }, id, ask)),
    shown,
  );
}
