/** Brand settings, welcome message and card questions, with a preview that follows every key. In effect at once. */

import { h } from "../dom.ts";
import { get, Problem, send } from "../staff/api.ts";
import { attempt, toast } from "../staff/feedback.ts";
import { chinese, t } from "../staff/words.ts";
import { rows } from "./rows.ts";
import type { Edit } from "./rows.ts";

interface Brand {
  version: string;
  settings: Record<string, unknown>;
  edited: string[];
  conflicts: { name: string; mine: unknown; theirs: unknown }[];
  edits: Edit[];
}

type Value = string | string[];
type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

const DAYS: [string, string, string][] = [
  ["monday", "周一", "Monday"],
  ["tuesday", "周二", "Tuesday"],
  ["wednesday", "周三", "Wednesday"],
  ["thursday", "周四", "Thursday"],
  ["friday", "周五", "Friday"],
  ["saturday", "周六", "Saturday"],
  ["sunday", "周日", "Sunday"],
];
const LISTS = /^(forbidden_words|quick_questions\.)/;
const MOST_CARDS = 8;

/** The page. */
export function brandPage(root: HTMLElement): void {
  void attempt(async () => new BrandForm(root, await get<Brand>("/v1/knowledge/brand")).show());
}

class BrandForm {
  private readonly fields = new Map<string, Field>();
  private readonly edited: Set<string>;
  private language = chinese ? "zh" : "en";
  private readonly preview = h("div", { class: "chat-preview", "aria-live": "off" });

  constructor(
    private readonly root: HTMLElement,
    private brand: Brand,
  ) {
    this.edited = new Set(brand.edited);
  }

  show(): void {
    const save = h("button", { class: "primary" }, t("保存并生效", "Save; it holds at once"));
    const form = h(
      "form",
      { class: "stack", onsubmit: (event: Event) => (event.preventDefault(), void this.save(save)) },
      this.group(t("名字与语气", "Name and voice"), this.pair(this.text("name", t("店铺名", "Shop name")), this.text("assistant_name", t("小二的名字", "The assistant's name"))), this.area("tone", t("语气", "Voice"), 2), this.area("forbidden_words", t("禁用词（一行一个，答案里绝不出现）", "Forbidden words (a line each; never said)"), 3), this.choice()),
      this.group(t("欢迎语与首屏问题", "Welcome and card questions"), this.pair(this.area("greeting.zh", t("欢迎语（中文）", "Welcome (Chinese)"), 3), this.area("greeting.en", t("欢迎语（英文）", "Welcome (English)"), 3)), this.pair(this.area("quick_questions.zh", t(`首屏问题（中文，一行一个，最多 ${MOST_CARDS} 个）`, `Card questions (Chinese, a line each, ${MOST_CARDS} at most)`), 4), this.area("quick_questions.en", t("首屏问题（英文）", "Card questions (English)"), 4)), h("p", { class: "hint" }, t("留空时，小二自己从知识里挑几个能答好的。", "Left empty, questions it can answer well are chosen from the knowledge."))),
      this.group(t("转人工时说的话", "What is said when a person takes over"), this.pair(this.area("handoff.zh", t("平时（中文）", "Usually (Chinese)"), 3), this.area("handoff.en", t("平时（英文）", "Usually (English)"), 3)), this.pair(this.area("handoff.zh_offline", t("下班后（中文）", "After hours (Chinese)"), 3), this.area("handoff.en_offline", t("下班后（英文）", "After hours (English)"), 3)), this.pair(this.area("handoff.zh_angry", t("顾客生气时（中文）", "To an angry shopper (Chinese)"), 3), this.area("handoff.en_angry", t("顾客生气时（英文）", "To an angry shopper (English)"), 3))),
      this.group(t("人工时间与联系方式", "Hours and contact"), this.text("service_hours.timezone", t("时区", "Time zone"), "Asia/Shanghai"), h("div", { class: "days" }, ...DAYS.map(([key, zh, en]) => this.text(`service_hours.${key}`, t(zh, en), "09:00-18:00"))), h("p", { class: "hint" }, t("空着表示那天没有人工。", "Empty means nobody is there that day.")), this.pair(this.text("contact.phone", t("电话", "Phone")), this.text("contact.email", t("邮箱", "E-mail"))), this.text("contact.address", t("地址", "Address"))),
      h("div", { class: "save-bar" }, h("p", { class: "hint" }, t("和知识不同：这些设置保存后马上生效，可以撤销。", "Unlike knowledge, these hold as soon as they are saved, and can be undone.")), save),
    );
    form.addEventListener("input", () => this.draw());
    this.root.replaceChildren(h("div", { class: "split brand-split" }, form, h("aside", { class: "preview-side", "aria-label": t("预览", "Preview") }, this.switcher(), this.preview)));
    this.draw();
  }

  private group(title: string, ...parts: HTMLElement[]): HTMLElement {
    return h("section", { class: "card stack" }, h("h2", {}, title), ...parts);
  }

  private pair(...parts: HTMLElement[]): HTMLElement {
    return h("div", { class: "pair" }, ...parts);
  }

  private text(name: string, label: string, placeholder = ""): HTMLElement {
    return this.labelled(name, label, h("input", { placeholder, maxlength: "2000" }));
  }

  private area(name: string, label: string, lines: number): HTMLElement {
    return this.labelled(name, label, h("textarea", { rows: String(lines), maxlength: "20000" }));
  }

  private labelled(name: string, label: string, field: Field): HTMLElement {
    const value = this.stored(name);
    field.value = Array.isArray(value) ? value.join("\n") : value;
    this.fields.set(name, field);
    return h("label", {}, h("span", {}, label, this.edited.has(name) ? h("span", { class: "badge info edited-mark" }, t("改过", "edited")) : ""), field);
  }

  private choice(): HTMLElement {
    const select = h("select", {}, h("option", { value: "zh" }, "中文"), h("option", { value: "en" }, "English"));
    return this.labelled("default_language", t("默认语言", "Default language"), select);
  }

  private stored(name: string): Value {
    let value: unknown = this.brand.settings;
    for (const part of name.split(".")) value = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[part] : undefined;
    if (LISTS.test(name)) return Array.isArray(value) ? value.map(String) : [];
    return value === undefined || value === null ? "" : String(value);
  }

  private now(name: string): Value {
    const text = this.fields.get(name)?.value ?? "";
    return LISTS.test(name) ? text.split("\n").map((line) => line.trim()).filter(Boolean) : text.trim();
  }

  private save(button: HTMLButtonElement): Promise<void> {
    return attempt(async () => {
      const settings: Record<string, Value> = {};
      for (const name of this.fields.keys()) {
        if (JSON.stringify(this.now(name)) !== JSON.stringify(this.stored(name))) settings[name] = this.now(name);
      }
      if (!Object.keys(settings).length) return toast(t("没有改动", "Nothing was changed"));
      try {
        this.brand = await send<Brand>("PATCH", "/v1/knowledge/brand", { version: this.brand.version, settings });
      } catch (error) {
        if (error instanceof Problem && error.slug === "outdated-edit") {
          this.brand = { ...this.brand, version: String(error.body.version) };
          throw new Problem(409, error.slug, t("别人刚刚也改过品牌设置。看一眼，再按一次保存就用您的。", "Somebody else changed the brand meanwhile. Have a look; saving again keeps yours."));
        }
        throw error;
      }
      const last = this.brand.edits[0];
      toast(t("已生效", "It holds now"), "good", last?.can_undo ? { label: t("撤销", "Undo"), run: () => void attempt(async () => (await rows.undo({ numbers: [last.number] }), brandPage(this.root))) } : undefined);
      this.edited.clear();
      for (const name of this.brand.edited) this.edited.add(name);
    }, button);
  }

  private switcher(): HTMLElement {
    const bar = h("div", { class: "chips", role: "group", "aria-label": t("预览语言", "Language of the preview") });
    for (const [code, name] of [["zh", "中文"], ["en", "English"]] as const) {
      bar.append(h("button", { type: "button", class: "chip", "aria-pressed": String(code === this.language), onclick: () => ((this.language = code), this.root.querySelectorAll(".preview-side .chip").forEach((chip, at) => chip.setAttribute("aria-pressed", String((at === 0) === (code === "zh")))), this.draw()) }, name));
    }
    return h("div", { class: "row apart" }, h("h2", {}, t("预览", "Preview")), bar);
  }

  private draw(): void {
    const zh = this.language === "zh";
    const say = (name: string) => String(this.now(`${name}.${this.language}`));
    const assistant = String(this.now("assistant_name")) || (zh ? "小二" : "Xiaoer");
    const shopName = String(this.now("name"));
    const cards = this.now(`quick_questions.${this.language}`) as string[];
    const greeting = say("greeting") || (zh ? `您好，我是${assistant}，有什么想问的？` : `Hello, I'm ${assistant}. What would you like to know?`);
    const handoff = say("handoff") || (zh ? "这个问题我请人工同事来看。" : "Let me bring in a colleague.");
    this.preview.lang = zh ? "zh-CN" : "en";
    this.preview.replaceChildren(
      h("header", {}, h("span", { class: "face" }, [...assistant][0] ?? "二"), h("div", {}, h("strong", {}, assistant), h("small", {}, shopName))),
      h(
        "div",
        { class: "chat-log" },
        h("p", { class: "chat-note" }, zh ? "您正在与 AI 助手对话，随时可以转人工。" : "You are talking to an AI assistant; a person is a tap away."),
        h("p", { class: "chat-bot" }, greeting),
        cards.length ? h("ul", { class: "chips" }, ...cards.slice(0, MOST_CARDS).map((card) => h("li", { class: "chip" }, card))) : "",
        h("p", { class: "chat-own" }, zh ? "我想找人工" : "I'd like to talk to a person"),
        h("p", { class: "chat-bot" }, handoff),
      ),
    );
  }
}
