/** The set-up guide: the trade, a few facts, the answers filled in; they become drafts, and a release. */

import { h } from "../dom.ts";
import { get, post, send, shop } from "../staff/api.ts";
import { attempt } from "../staff/feedback.ts";
import { chinese, t } from "../staff/words.ts";
import { follow, type Job, outcome, progressBar } from "./jobs.ts";

type Language = "zh" | "en";

interface Field {
  name: string;
  label: string;
  example: string;
}

interface PackLine {
  name: string;
  title: string;
  about: string;
  questions: number;
}

interface Question {
  id: string;
  section: string;
  question: string;
  phrasings: string[];
  ask: string;
  template: string;
  blanks: string[];
}

interface Pack {
  name: string;
  language: Language;
  title: string;
  fields: Field[];
  questions: Question[];
}

interface Kept {
  step: number;
  trades: string[];
  languages: Language[];
  facts: Record<string, string>;
  answers: Record<string, string>;
}

const COMMON = "general";
const READER: Language = chinese ? "zh" : "en";
const KEY = `xiaoer-setup-${shop}`;

/** The page. */
export function setupPage(root: HTMLElement): void {
  void attempt(async () => {
    const { packs } = await get<{ packs: PackLine[] }>("/v1/knowledge/packs", { language: READER });
    await new Guide(root, packs).show();
  });
}

class Guide {
  private readonly kept: Kept = { step: 0, trades: [], languages: [READER], facts: {}, answers: {}, ...stored() };
  private readonly place = h("div", { class: "section" });
  private readonly loaded = new Map<string, Pack>();

  constructor(
    private readonly root: HTMLElement,
    private readonly packs: PackLine[],
  ) {}

  async show(): Promise<void> {
    const names = [t("行业", "Trade"), t("几件事实", "A few facts"), t("填答案", "Answers"), t("完成", "Finish")];
    const steps = h("ol", { class: "steps" }, ...names.map((name, at) => h("li", { "aria-current": at === this.kept.step ? "step" : false, class: at < this.kept.step ? "done" : "" }, h("button", { type: "button", onclick: () => void this.go(at) }, h("b", {}, String(at + 1)), name))));
    if (this.kept.step) await this.load();
    const part = [() => this.trades(), () => this.facts(), () => this.answers(), () => this.finish()][this.kept.step] ?? (() => this.trades());
    this.root.replaceChildren(steps, part(), this.place);
  }

  private async go(step: number): Promise<void> {
    await attempt(async () => {
      this.kept.step = step;
      this.keep();
      this.place.replaceChildren();
      await this.show();
      scrollTo({ top: 0 });
      this.root.querySelector<HTMLElement>("h2")?.focus();
    });
  }

  private keep(): void {
    localStorage.setItem(KEY, JSON.stringify(this.kept));
  }

  private async load(): Promise<void> {
    for (const language of this.kept.languages) {
      for (const name of [COMMON, ...this.kept.trades]) {
        const key = `${name}/${language}`;
        if (!this.loaded.has(key)) this.loaded.set(key, await get<Pack>(`/v1/knowledge/packs/${name}`, { language }));
      }
    }
  }

  /** The packs that were chosen, in each language that was. */
  private chosen(): Pack[] {
    return this.kept.languages.flatMap((language) => [COMMON, ...this.kept.trades].map((name) => this.loaded.get(`${name}/${language}`)).filter((pack) => pack !== undefined));
  }

  private onward(step: number, name: string): HTMLElement {
    return h("div", { class: "acts" }, this.kept.step ? h("button", { type: "button", onclick: () => void this.go(this.kept.step - 1) }, t("上一步", "Back")) : "", h("button", { class: "primary", type: "button", onclick: () => void this.go(step) }, name));
  }

  private title(text: string, hint: string): HTMLElement {
    return h("div", {}, h("h2", { tabindex: "-1" }, text), h("p", { class: "hint" }, hint));
  }

  private trades(): HTMLElement {
    const card = (pack: PackLine) => {
      const common = pack.name === COMMON;
      const box = h("input", { type: "checkbox", checked: common || this.kept.trades.includes(pack.name), disabled: common });
      box.addEventListener("change", () => {
        this.kept.trades = toggled(this.kept.trades, pack.name, box.checked);
        this.keep();
      });
      return h("label", { class: "pack" }, box, h("span", {}, h("strong", {}, pack.title), h("small", {}, pack.about), h("small", {}, t(`${pack.questions} 个问题，每个十多种问法`, `${pack.questions} questions, each asked in ten ways and more`))));
    };
    const languages = (["zh", "en"] as const).map((language) => {
      const box = h("input", { type: "checkbox", checked: this.kept.languages.includes(language) });
      box.addEventListener("change", () => {
        this.kept.languages = toggled(this.kept.languages, language, box.checked);
        if (!this.kept.languages.length) this.kept.languages = [READER];
        this.keep();
      });
      return h("label", { class: "check" }, box, language === "zh" ? "中文" : "English");
    });
    return h("section", { class: "card stack" }, this.title(t("您卖什么？", "What do you sell?"), t("高频问题和各种问法都写好了，您只管填答案。通用的每家店都有，行业的可以多选。", "The usual questions and the many ways of asking them are written; you only fill in answers. The first pack is every shop's; add your trade's.")), h("div", { class: "packs" }, ...this.packs.map(card)), h("fieldset", {}, h("legend", {}, t("顾客用什么语言", "Languages of your shoppers")), h("div", { class: "row" }, ...languages)), this.onward(1, t("下一步：几件事实", "Next: a few facts")));
  }

  private facts(): HTMLElement {
    const groups = this.kept.languages.map((language) => {
      const fields = new Map(this.chosen().filter((pack) => pack.language === language).flatMap((pack) => pack.fields).map((field) => [field.name, field]));
      const inputs = [...fields.values()].map((field) => {
        const key = `${language}/${field.name}`;
        const input = h("input", { value: this.kept.facts[key] ?? "", placeholder: `${t("比如：", "Say: ")}${field.example}`, maxlength: "200", lang: language === "zh" ? "zh-CN" : "en" });
        input.addEventListener("input", () => {
          this.kept.facts[key] = input.value.trim();
          this.keep();
        });
        return h("label", {}, field.label, input);
      });
      return h("div", { class: "stack" }, this.kept.languages.length > 1 ? h("h3", {}, language === "zh" ? "中文" : "English") : "", h("div", { class: "pair" }, ...inputs));
    });
    return h("section", { class: "card stack" }, this.title(t("先说几件事实", "A few facts first"), t("填一次，所有用得上的答案都会带上。不知道的可以空着。", "Said once, used by every answer that needs it. Leave out what you don't know.")), ...groups, this.onward(2, t("下一步：填答案", "Next: fill in answers")));
  }

  private answerOf(language: Language, question: Question): string {
    const own = this.kept.answers[`${language}/${question.id}`];
    if (own !== undefined) return own;
    const known = (name: string) => this.kept.facts[`${language}/${name}`] ?? "";
    if (!question.template || !question.blanks.every(known)) return "";
    return question.template.replace(/\{([a-z_]+)\}/g, (_, name: string) => known(name));
  }

  private all(): { pack: Pack; question: Question; answer: string }[] {
    return this.chosen().flatMap((pack) => pack.questions.map((question) => ({ pack, question, answer: this.answerOf(pack.language, question) })));
  }

  private answers(): HTMLElement {
    const told = h("p", { class: "hint", role: "status" });
    const count = () => {
      const all = this.all();
      const ready = all.filter(({ answer }) => answer).length;
      told.textContent = t(`${all.length} 个问题，已有答案 ${ready} 个。空着的不会进知识库，遇到了小二会转人工。`, `${ready} of ${all.length} questions have an answer. Empty ones stay out of the knowledge; when they come up, a person is called.`);
    };
    const groups = this.chosen().map((pack) => h("section", { class: "card stack" }, h("h2", {}, pack.title), ...pack.questions.map((question) => this.answer(pack.language, question, count))));
    count();
    return h("div", {}, h("div", { class: "card-head" }, told), ...groups, h("div", { class: "section" }, this.onward(3, t("下一步：看看结果", "Next: look it over"))));
  }

  private answer(language: Language, question: Question, count: () => void): HTMLElement {
    const text = h("textarea", { rows: "2", lang: language === "zh" ? "zh-CN" : "en", maxlength: "20000", placeholder: question.ask });
    text.value = this.answerOf(language, question);
    const badge = h("span", {});
    const mark = () => {
      badge.className = text.value.trim() ? "badge good" : "badge";
      badge.textContent = text.value.trim() ? t("有答案", "answered") : t("空着", "left out");
    };
    text.addEventListener("input", () => {
      this.kept.answers[`${language}/${question.id}`] = text.value.trim();
      this.keep();
      mark();
      count();
    });
    mark();
    return h("div", { class: "pack-question" }, h("label", {}, h("span", { class: "row" }, h("strong", {}, question.question), badge), text), h("details", {}, h("summary", {}, t(`顾客的 ${question.phrasings.length} 种问法`, `${question.phrasings.length} ways shoppers ask it`)), h("p", { class: "hint" }, question.phrasings.join(" · "))));
  }

  private finish(): HTMLElement {
    const ready = this.all().filter(({ answer }) => answer);
    const newShop = h("input", { required: true, pattern: "[\\w][\\w.\\-]{0,99}", placeholder: "my-shop", autocapitalize: "none" });
    const shopName = h("input", { required: true, placeholder: t("我的小店", "My little shop") });
    const build = h("button", { type: "button", class: "primary", disabled: !ready.length }, t("建成待发布版本", "Make a release of it"));
    build.addEventListener("click", () =>
      attempt(async () => {
        if (!shop && !(newShop.reportValidity() && shopName.reportValidity())) return;
        await this.build(shop || newShop.value, shopName.value.trim());
      }, build),
    );
    return h(
      "section",
      { class: "card stack" },
      this.title(t(`${ready.length} 条问答准备好了`, ready.length === 1 ? "1 answer is ready" : `${ready.length} answers are ready`), t("它们会成为后台里的问答，建成一个待发布的版本。以后在“知识”里逐条改，或再走一遍向导：只会更新它自己写的那些。", "They become rows of the console and a release that waits for you. Change them under Knowledge, or walk through the guide again: it updates only what it wrote itself.")),
      shop ? "" : h("div", { class: "pair" }, h("label", {}, t("店铺代号（字母、数字）", "Short name of the shop (letters, digits)"), newShop), h("label", {}, t("店铺名", "Name of the shop"), shopName)),
      h("details", {}, h("summary", {}, t("看看都有哪些", "Show them")), h("ul", { class: "list ready" }, ...ready.map(({ question, answer }) => h("li", {}, h("strong", {}, question.question), h("p", { class: "hint clip" }, answer))))),
      h("div", { class: "acts" }, h("button", { type: "button", onclick: () => void this.go(2) }, t("上一步", "Back")), build),
    );
  }

  private async build(target: string, name: string): Promise<void> {
    if (!shop) await send("PATCH", "/v1/knowledge/brand", { shop: target, version: "0", settings: { name } });
    for (const language of this.kept.languages) {
      for (const trade of this.kept.trades.length ? this.kept.trades : [COMMON]) await post("/v1/knowledge/onboarding", { shop: target, category: trade, language, apply: true, ...this.said(trade, language) });
    }
    const bar = progressBar();
    const card = h("section", { class: "card stack" }, h("h2", {}, t("正在建版本", "Building the release")), bar.element);
    this.place.replaceChildren(card);
    const job = await follow(await post<Job>("/v1/knowledge/edits/stage", { shop: target, publish: false }), bar.tell);
    card.replaceChildren(h("h2", {}, t("建好了", "Done")), outcome(job));
    if (!shop) location.assign(`/console/releases?shop=${encodeURIComponent(target)}`);
  }

  /** What was said for one trade: the facts its packs ask for, and the answers to their questions. */
  private said(trade: string, language: Language): { fields: Record<string, string>; answers: Record<string, string> } {
    const packs = this.chosen().filter((pack) => pack.language === language && (pack.name === COMMON || pack.name === trade));
    const names = new Set(packs.flatMap((pack) => pack.fields).map((field) => field.name));
    const fields = [...names].map((name) => [name, this.kept.facts[`${language}/${name}`] ?? ""]).filter(([, value]) => value);
    const answers = packs.flatMap((pack) => pack.questions).map((question) => [question.id, this.answerOf(language, question)]).filter(([, value]) => value);
    return { fields: Object.fromEntries(fields) as Record<string, string>, answers: Object.fromEntries(answers) as Record<string, string> };
  }
}

function toggled<T extends string>(list: T[], value: T, on: boolean): T[] {
  return [...list.filter((one) => one !== value), ...(on ? [value] : [])];
}

function stored(): Partial<Kept> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>;
  } catch {
    return {};
  }
}
