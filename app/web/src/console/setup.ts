/** The set-up guide: a few facts, a pack or more, the answers filled in; it becomes an FAQ table and a release. */

import { h } from "../dom.ts";
import { get, send, shop } from "../staff/api.ts";
import { attempt, toast } from "../staff/feedback.ts";
import { chinese, t } from "../staff/words.ts";
import { asCsv } from "./csv.ts";
import { take } from "./upload.ts";

type Language = "zh" | "en";

interface Question {
  id: string;
  section: Record<Language, string>;
  related: string[];
  zh: Wording;
  en: Wording;
}

interface Wording {
  question: string;
  answer: string;
  phrasings: string[];
}

interface Pack {
  id: string;
  name: Record<Language, string>;
  about: Record<Language, string>;
  questions: Question[];
}

interface Packs {
  facts: { id: string; zh: { ask: string; example: string }; en: { ask: string; example: string } }[];
  packs: Pack[];
}

interface Kept {
  step: number;
  facts: Record<string, string>;
  packs: string[];
  languages: Language[];
  answers: Record<string, string>;
}

const KEY = `xiaoer-setup-${shop}`;
const READER: Language = chinese ? "zh" : "en";

/** The page. */
export function setupPage(root: HTMLElement): void {
  void attempt(async () => new Guide(root, await get<Packs>("/v1/knowledge/question-packs")).show());
}

class Guide {
  private readonly kept: Kept = { step: 0, facts: {}, packs: ["general"], languages: [READER], answers: {}, ...stored() };
  private readonly place = h("div", { class: "section" });

  constructor(
    private readonly root: HTMLElement,
    private readonly told: Packs,
  ) {}

  show(): void {
    const names = [t("几件事实", "A few facts"), t("行业包", "Packs"), t("填答案", "Answers"), t("完成", "Finish")];
    const steps = h("ol", { class: "steps" }, ...names.map((name, at) => h("li", { "aria-current": at === this.kept.step ? "step" : false, class: at < this.kept.step ? "done" : "" }, h("button", { type: "button", onclick: () => this.go(at) }, h("b", {}, String(at + 1)), name))));
    const part = [() => this.facts(), () => this.packs(), () => this.answers(), () => this.finish()][this.kept.step] ?? (() => this.facts());
    this.root.replaceChildren(steps, part(), this.place);
  }

  private go(step: number): void {
    this.kept.step = step;
    this.keep();
    this.show();
    scrollTo({ top: 0 });
    this.root.querySelector<HTMLElement>(".card input, .card textarea")?.focus({ preventScroll: true });
  }

  private keep(): void {
    localStorage.setItem(KEY, JSON.stringify(this.kept));
  }

  private onward(step: number, name: string): HTMLElement {
    return h("div", { class: "acts" }, this.kept.step ? h("button", { type: "button", onclick: () => this.go(this.kept.step - 1) }, t("上一步", "Back")) : "", h("button", { class: "primary", type: "button", onclick: () => this.go(step) }, name));
  }

  private facts(): HTMLElement {
    const fields = this.told.facts.map((fact) => {
      const input = h("input", { value: this.kept.facts[fact.id] ?? "", placeholder: `${t("比如：", "Say: ")}${fact[READER].example}`, maxlength: "200" });
      input.addEventListener("input", () => {
        this.kept.facts[fact.id] = input.value.trim();
        this.keep();
      });
      return h("label", {}, fact[READER].ask, input);
    });
    return h("section", { class: "card stack" }, h("div", {}, h("h2", {}, t("先说几件事实", "A few facts first")), h("p", { class: "hint" }, t("填一次，所有用得上的答案都会带上。不知道的可以空着。", "Said once, used by every answer that needs it. Leave out what you don't know."))), h("div", { class: "pair" }, ...fields), this.onward(1, t("下一步：选行业包", "Next: pick packs")));
  }

  private packs(): HTMLElement {
    const toggle = <T extends string>(list: T[], value: T, on: boolean) => [...list.filter((one) => one !== value), ...(on ? [value] : [])];
    const cards = this.told.packs.map((pack) => {
      const box = h("input", { type: "checkbox", checked: this.kept.packs.includes(pack.id) });
      box.addEventListener("change", () => {
        this.kept.packs = toggle(this.kept.packs, pack.id, box.checked);
        this.keep();
      });
      const many = pack.questions.reduce((sum, question) => sum + question[READER].phrasings.length + 1, 0);
      return h("label", { class: "pack" }, box, h("span", {}, h("strong", {}, pack.name[READER]), h("small", {}, pack.about[READER]), h("small", {}, t(`${pack.questions.length} 个问题，${many} 种问法`, `${pack.questions.length} questions, ${many} ways of asking`))));
    });
    const languages = (["zh", "en"] as const).map((language) => {
      const box = h("input", { type: "checkbox", checked: this.kept.languages.includes(language) });
      box.addEventListener("change", () => {
        this.kept.languages = toggle(this.kept.languages, language, box.checked);
        this.keep();
      });
      return h("label", { class: "check" }, box, language === "zh" ? "中文" : "English");
    });
    return h("section", { class: "card stack" }, h("div", {}, h("h2", {}, t("选行业包", "Pick packs")), h("p", { class: "hint" }, t("高频问题和各种问法都写好了，您只管填答案。可以多选。", "The usual questions and the many ways of asking them are written; you only fill in answers. Pick several if you like."))), h("div", { class: "packs" }, ...cards), h("fieldset", {}, h("legend", {}, t("顾客用什么语言", "Languages of your shoppers")), h("div", { class: "row" }, ...languages)), this.onward(2, t("下一步：填答案", "Next: fill in answers")));
  }

  private chosen(): { pack: Pack; question: Question; language: Language; key: string }[] {
    return this.told.packs
      .filter((pack) => this.kept.packs.includes(pack.id))
      .flatMap((pack) => pack.questions.flatMap((question) => this.kept.languages.map((language) => ({ pack, question, language, key: `${pack.id}/${question.id}/${language}` }))));
  }

  private answerOf(key: string, words: Wording): string {
    const own = this.kept.answers[key];
    if (own !== undefined) return own;
    let whole = true;
    const filled = words.answer.replace(/\{(\w+)\}/g, (_, name: string) => this.kept.facts[name] || ((whole = false), ""));
    return whole ? filled : "";
  }

  private answers(): HTMLElement {
    const told = h("p", { class: "hint", role: "status" });
    const count = () => {
      const all = this.chosen();
      const ready = all.filter(({ key, question, language }) => this.answerOf(key, question[language])).length;
      told.textContent = t(`${all.length} 个问题，已有答案 ${ready} 个。空着的不会进知识库，小二会转人工。`, `${ready} of ${all.length} questions have an answer. Empty ones stay out of the knowledge, and a person is called.`);
    };
    const groups = this.told.packs
      .filter((pack) => this.kept.packs.includes(pack.id))
      .map((pack) => h("section", { class: "card stack" }, h("h2", {}, pack.name[READER]), ...this.chosen().filter((one) => one.pack === pack).map(({ question, language, key }) => this.answer(question, language, key, count))));
    count();
    return h("div", {}, h("div", { class: "card-head" }, told), ...groups, h("div", { class: "section" }, this.onward(3, t("下一步：看看结果", "Next: look it over"))));
  }

  private answer(question: Question, language: Language, key: string, count: () => void): HTMLElement {
    const words = question[language];
    const text = h("textarea", { rows: "2", lang: language === "zh" ? "zh-CN" : "en", maxlength: "4000" });
    text.value = this.answerOf(key, words);
    const badge = h("span", {});
    const mark = () => {
      badge.className = text.value.trim() ? "badge good" : "badge";
      badge.textContent = text.value.trim() ? t("有答案", "answered") : t("空着", "left out");
    };
    text.addEventListener("input", () => {
      this.kept.answers[key] = text.value.trim();
      this.keep();
      mark();
      count();
    });
    mark();
    return h("div", { class: "pack-question" }, h("label", {}, h("span", { class: "row" }, h("strong", {}, words.question), badge), text), h("details", {}, h("summary", {}, t(`顾客的 ${words.phrasings.length} 种问法`, `${words.phrasings.length} ways shoppers ask it`)), h("p", { class: "hint" }, words.phrasings.join(" · "))));
  }

  private finish(): HTMLElement {
    const ready = this.chosen().filter(({ key, question, language }) => this.answerOf(key, question[language]));
    const newShop = h("input", { required: true, pattern: "[\\w][\\w.\\-]{0,99}", placeholder: "my-shop", autocapitalize: "none" });
    const shopName = h("input", { placeholder: t("我的小店", "My little shop") });
    const build = h("button", { type: "button", class: "primary", disabled: !ready.length }, t("建成待发布版本", "Make a release of it"));
    build.addEventListener("click", () =>
      attempt(async () => {
        if (!shop && !newShop.reportValidity()) return;
        const target = shop || newShop.value;
        await take(this.tables(), this.place, () => undefined, target);
        if (!shop && shopName.value.trim()) await send("PATCH", "/v1/knowledge/brand", { shop: target, version: "0", settings: { name: shopName.value.trim() } });
        if (!shop) location.assign(`/console/releases?shop=${encodeURIComponent(target)}`);
        else toast(t("行业包已经进了待发布版本", "The pack is part of a release that waits"));
      }, build),
    );
    const summary = ready.map(({ question, language, key }) => h("li", {}, h("strong", {}, question[language].question), h("p", { class: "hint clip" }, this.answerOf(key, question[language]))));
    return h(
      "section",
      { class: "card stack" },
      h("div", {}, h("h2", {}, t(`${ready.length} 条问答准备好了`, `${ready.length} answers are ready`)), h("p", { class: "hint" }, t("会存成一张问答表，建成一个待发布的版本。以后可以在“知识”里逐条改，或再走一遍向导。", "They become an FAQ table and a release that waits for you. Change them later under Knowledge, or walk through the guide again."))),
      shop ? "" : h("div", { class: "pair" }, h("label", {}, t("店铺代号（小写字母、数字）", "Short name of the shop (letters, digits)"), newShop), h("label", {}, t("店铺名", "Name of the shop"), shopName)),
      h("details", {}, h("summary", {}, t("看看都有哪些", "Show them")), h("ul", { class: "list ready" }, ...summary)),
      h("div", { class: "acts" }, h("button", { type: "button", onclick: () => this.go(2) }, t("上一步", "Back")), build),
    );
  }

  /** One table a language and pack, with the headers that every ingest knows. */
  private tables(): { file: File; path: string }[] {
    const files: { file: File; path: string }[] = [];
    for (const pack of this.told.packs.filter((one) => this.kept.packs.includes(one.id))) {
      for (const language of this.kept.languages) {
        const rows = pack.questions.map((question) => ({ question, answer: this.answerOf(`${pack.id}/${question.id}/${language}`, question[language]) })).filter((row) => row.answer);
        if (!rows.length) continue;
        const known = new Map(rows.map(({ question }) => [question.id, question[language].question]));
        const head = language === "zh" ? ["编号", "问题", "相似问法", "答案", "分类", "关联问题"] : ["id", "question", "similar", "answer", "section", "related"];
        const lines = rows.map(({ question, answer }) => [question.id, question[language].question, question[language].phrasings.join("|"), answer, question.section[language], question.related.map((id) => known.get(id) ?? "").filter(Boolean).join("|")]);
        const path = `packs/${pack.id}.${language}.csv`;
        files.push({ file: new File([asCsv([head, ...lines])], path, { type: "text/csv" }), path });
      }
    }
    return files;
  }
}

function stored(): Partial<Kept> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>;
  } catch {
    return {};
  }
}
