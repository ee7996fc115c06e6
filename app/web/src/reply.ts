/** One reply as the shopper sees it. Every call may be repeated: the same events come by two ways and after reloads. */

import type { Card, Citation, ReplyBody, Session } from "./client.ts";
import { chips, h, icon } from "./dom.ts";
import type { Words } from "./words.ts";

export interface ReplyActions {
  readonly currency: string;
  ask(text: string): void;
  showSource(number: number, citation: Citation, opener: HTMLElement): void;
  rate(messageId: string, helpful: boolean, comment?: string): Promise<boolean>;
}

const CJK_EDGE = /[⺀-鿿豈-﫿　-〿＀-￯]/;

export class ReplyView {
  readonly root: HTMLElement;
  private readonly body = h("div", { class: "bubble", dir: "auto" });
  private readonly extras = h("div", { class: "extras" });
  private readonly sentences = new Map<number, string>();
  private readonly numbers = new Map<string, number>();
  private thumbs: HTMLButtonElement[] = [];
  private rated = h("span", { class: "hint" });
  private complete = false;

  constructor(
    readonly messageId: string,
    private readonly words: Words,
    private readonly actions: ReplyActions,
  ) {
    this.root = h("article", { class: "turn bot", hidden: true }, h("span", { class: "name" }, words.bot), this.body, this.extras);
  }

  get empty(): boolean {
    return this.sentences.size === 0;
  }

  addSentence(index: number, text: string, citations: Citation[] = []): void {
    if (this.sentences.has(index) || (!text.trim() && !citations.length)) return;
    const before = [...this.sentences.values()].pop() ?? "";
    const gap = before && !/\s$/.test(before) && !/^\s/.test(text) && !CJK_EDGE.test(before.slice(-1) + text[0]);
    this.sentences.set(index, text);
    const sentence = h("span", { class: "sentence" }, gap ? " " : "");
    const chipsOfSentence: HTMLElement[] = [];
    const seen = new Set<number>();
    for (const citation of citations) {
      const number = this.numberOf(citation);
      if (seen.has(number)) continue;
      seen.add(number);
      const chip = h("button", { type: "button", class: "cite", "aria-label": this.words.source(number) }, String(number));
      chip.addEventListener("click", () => this.actions.showSource(number, citation, chip));
      chipsOfSentence.push(chip);
    }
    // The numbers hold on to the sentence's last letters, so that none starts a line on its own.
    const letters = [...text.trimEnd()];
    const end = chipsOfSentence.length ? letters.splice(-2).join("") : "";
    if (end) sentence.append(letters.join(""), h("span", { class: "end" }, end, ...chipsOfSentence));
    else sentence.append(text);
    this.body.append(sentence);
    this.root.hidden = false;
  }

  /** Adds what comes after the last sentence: cards, options, related questions, thumbs. */
  finish(reply: ReplyBody): void {
    if (this.complete) return;
    this.complete = true;
    if (this.empty) reply.sentences?.forEach((sentence, at) => this.addSentence(at, sentence.text, sentence.citations));
    if (this.empty && reply.text) this.addSentence(0, reply.text, reply.citations);
    if (this.empty && !reply.cards?.length) return;
    this.root.hidden = false;
    this.body.hidden = this.empty;
    if (reply.language) this.body.lang = reply.language === "zh" ? "zh-CN" : reply.language;
    if (reply.cards?.length) this.extras.append(h("div", { class: "cards" }, ...reply.cards.map((card) => this.card(card))));
    if (!["smalltalk", "clarify", "handoff"].includes(reply.decision ?? "")) this.extras.append(this.rating());
    const ask = (text: string) => this.actions.ask(text);
    const questions = reply.related_questions ?? [];
    if (!questions.length) return;
    if (reply.decision === "clarify") this.extras.append(chips(this.words.options, questions.slice(0, 8), ask));
    else this.extras.append(chips(this.words.related, questions.slice(0, 5), ask, true));
  }

  /** Questions to tap belong to the newest reply only. */
  retire(): void {
    this.extras.querySelectorAll(".chips, .chip-group").forEach((element) => element.remove());
  }

  markRated(helpful: boolean): void {
    this.thumbs.forEach((thumb, at) => thumb.setAttribute("aria-pressed", String((at === 0) === helpful)));
  }

  private numberOf(citation: Citation): number {
    const key = `${citation.path}\n${citation.locator}`;
    const number = this.numbers.get(key) ?? this.numbers.size + 1;
    this.numbers.set(key, number);
    return number;
  }

  private rating(): HTMLElement {
    const thumb = (helpful: boolean) => {
      const label = helpful ? this.words.yes : this.words.no;
      const attributes = { type: "button", "aria-label": label, title: label, "aria-pressed": "false" };
      const button = h("button", attributes, icon(helpful ? "yes" : "no"));
      button.addEventListener("click", async () => {
        if (!(await this.actions.rate(this.messageId, helpful))) return;
        this.markRated(helpful);
        this.rated.textContent = this.words.thanks;
        if (!helpful) this.askWhy();
      });
      return button;
    };
    this.thumbs = [thumb(true), thumb(false)];
    this.rated.setAttribute("role", "status");
    return h("div", { class: "rating" }, ...this.thumbs, this.rated);
  }

  private askWhy(): void {
    const why = chips(this.words.why, this.words.reasons, (reason) => {
      why.remove();
      void this.actions.rate(this.messageId, false, reason);
    }, true);
    this.extras.querySelector(".rating")!.after(why);
  }

  /** Product rows hold bare numbers: the page says in which currency. */
  private priced(price: string): string {
    return /^\d/.test(price) ? this.actions.currency + price : price;
  }

  private card(card: Card): HTMLElement {
    const shown = [card.title, card.sku, card.price];
    const rows = Object.entries(card.attributes ?? {}).filter(([, value]) => value && !shown.includes(value)).slice(0, 6);
    const list = h("dl");
    for (const [name, value] of rows) list.append(h("dt", {}, name), h("dd", {}, value));
    const meta = card.sku ? h("span", { class: "sku" }, `${this.words.code} ${card.sku}`) : null;
    const head = h("div", { class: "card-head" }, h("strong", {}, card.title), card.price ? h("span", { class: "price" }, this.priced(card.price)) : null);
    return h("section", { class: "card", "aria-label": card.title }, head, meta, rows.length ? list : null);
  }
}

/** What stands above the conversation: who is talking, the shop's greeting, questions to begin with. */
export function greetingOf(session: Session, words: Words, ask: (text: string) => void): Node[] {
  const welcome = h("article", { class: "turn bot" }, h("span", { class: "name" }, words.bot), h("div", { class: "bubble", dir: "auto" }, session.welcome));
  if (session.quick.length) welcome.append(h("div", { class: "extras" }, chips(words.quick, session.quick.slice(0, 5), ask)));
  const disclosure = session.disclosure ? [h("p", { class: "disclosure" }, session.disclosure)] : [];
  return [...disclosure, h("div", { class: "log" }, welcome)];
}
