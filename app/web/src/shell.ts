/** The window itself: launcher, header, log, composer. Holds no conversation. */

import { h, icon } from "./dom.ts";
import type { Words } from "./words.ts";

export interface ShellActions {
  open(): void;
  close(): void;
  fresh(): void;
  switchLanguage(): void;
  person(): void;
  send(text: string): void;
  attach(files: Iterable<File>): void;
  typing(): void;
  leave(contact: string, message: string): Promise<boolean>;
  score(stars: number): Promise<boolean>;
}

export class Shell {
  readonly launcher: HTMLButtonElement;
  readonly panel: HTMLElement;
  readonly inner: HTMLElement;
  readonly title: HTMLHeadingElement;
  readonly scroll: HTMLElement;
  readonly log: HTMLElement;
  readonly opening = h("div");
  readonly input: HTMLTextAreaElement;
  readonly person: HTMLButtonElement;
  private readonly unread = h("span", { class: "dot", hidden: true });
  private readonly typing = h("div", { class: "typing", "aria-hidden": "true", hidden: true }, h("i"), h("i"), h("i"));
  private readonly status = h("div", { class: "hidden", role: "status" });
  private readonly notice = h("div", { class: "notice", role: "status", hidden: true });
  private readonly offline = h("div", { class: "notice bad", role: "status", hidden: true });
  private readonly newer: HTMLButtonElement;
  private readonly composer: HTMLElement;
  private readonly ended: HTMLElement;
  private readonly away: HTMLElement;
  private readonly stars: HTMLElement;

  constructor(
    private readonly words: Words,
    name: string,
    face: string,
    private readonly actions: ShellActions,
  ) {
    this.launcher = h("button", { type: "button", class: "launcher", "aria-label": words.open, onclick: actions.open });
    this.launcher.append(icon("chat"), h("span", { "aria-hidden": "true" }, words.launch), this.unread);
    this.title = h("h2", { tabindex: "-1" }, name);
    const header = h(
      "div",
      { class: "head" },
      h("span", { class: "face", "aria-hidden": "true" }, face),
      h("div", { class: "who" }, this.title, h("p", {}, words.kind)),
      this.tool(words.switch, words.switchShort, actions.switchLanguage),
      this.tool(words.fresh, icon("fresh"), actions.fresh),
      this.tool(words.close, icon("down"), actions.close),
    );
    this.offline.textContent = words.offline;
    this.log = h("div", { oncopy: (event: ClipboardEvent) => this.onCopy(event), class: "log", role: "log", "aria-live": "polite", "aria-label": words.log });
    this.scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": words.log }, this.opening, this.log, this.typing);
    this.newer = h("button", { type: "button", class: "newer", hidden: true, onclick: () => this.toEnd(true) }, icon("down"), words.newer);
    this.input = h("textarea", { rows: "1", dir: "auto", "aria-label": words.input, placeholder: words.placeholder, enterkeyhint: "send", autocomplete: "off" });
    this.person = h("button", { type: "button", class: "person", onclick: actions.person }, icon("person"), words.person);
    this.composer = this.makeComposer();
    const again = h("button", { type: "button", onclick: actions.fresh }, words.again);
    this.stars = h("div", { class: "stars", role: "group", "aria-label": words.howWas });
    this.ended = h("div", { class: "ended", hidden: true }, h("span", { role: "status" }, words.ended), this.stars, again);
    this.askStars();
    this.away = this.makeAway();
    const footer = h("div", { class: "foot" }, this.newer, this.away, this.composer, this.ended);
    // Everything but the sheet stands in one box, so that one `inert` puts it behind the sheet.
    this.inner = h("div", { class: "inner" }, header, this.offline, this.notice, this.scroll, footer, this.status);
    this.panel = h("section", { class: "panel", role: "dialog", "aria-label": name, hidden: true }, this.inner);
    this.scroll.addEventListener("scroll", () => (this.newer.hidden = this.atEnd), { passive: true });
  }

  /** In the page for good: nothing to put away. */
  stay(): void {
    this.panel.setAttribute("role", "region");
    this.panel.querySelector<HTMLElement>(".head .tool:last-child")!.hidden = true;
  }

  get atEnd(): boolean {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 90;
  }

  /** Runs a change of the log and keeps the end in view, unless the shopper has scrolled up to read. */
  change(work: () => void, always = false): void {
    const follow = always || this.atEnd;
    work();
    if (follow) this.toEnd(false);
    else this.newer.hidden = this.atEnd;
  }

  toEnd(smooth: boolean): void {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.scroll.scrollTo({ top: this.scroll.scrollHeight, behavior: smooth && !calm ? "smooth" : "instant" });
  }

  showTyping(yes: boolean, text = this.words.typing): void {
    if (yes === !this.typing.hidden) return;
    this.change(() => (this.typing.hidden = !yes));
    this.status.textContent = yes ? text : "";
  }

  showNotice(text: string): void {
    this.change(() => {
      this.notice.replaceChildren(...(text ? [icon("person"), h("span", {}, text)] : []));
      this.notice.hidden = !text;
      this.person.hidden = Boolean(text);
    });
  }

  showOffline(yes: boolean): void {
    this.offline.hidden = !yes;
  }

  showUnread(yes: boolean): void {
    this.unread.hidden = !yes;
  }

  showEnded(yes: boolean): void {
    this.ended.hidden = !yes;
    this.composer.hidden = yes;
    if (yes) this.away.hidden = true;
  }

  /** Asks for a message and a contact when nobody is there to talk to. */
  showAway(yes: boolean): void {
    this.change(() => (this.away.hidden = !yes));
  }

  /** The rating given, or thanks for it. */
  showScore(stars: number): void {
    const given = [...this.stars.querySelectorAll("button")];
    given.forEach((star, at) => {
      star.setAttribute("aria-pressed", String(at < stars));
      star.disabled = true;
    });
    this.stars.querySelector("span")!.textContent = this.words.thanks;
  }

  private askStars(): void {
    this.stars.append(h("span", { role: "status" }, this.words.howWas));
    for (const n of [1, 2, 3, 4, 5]) {
      const star = h("button", { type: "button", "aria-pressed": "false", "aria-label": this.words.stars(n) }, "★");
      star.addEventListener("click", async () => (await this.actions.score(n)) && this.showScore(n));
      this.stars.append(star);
    }
  }

  private makeAway(): HTMLElement {
    const { words } = this;
    const contact = h("input", { required: true, "aria-label": words.contact, placeholder: words.contact, autocomplete: "email" });
    const about = h("input", { "aria-label": words.about, placeholder: words.about });
    const form = h("form", { class: "away", hidden: true, "aria-label": words.away }, h("span", {}, words.away), contact, about, h("button", {}, words.leave));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const kept = await this.actions.leave(contact.value, about.value);
      contact.setAttribute("aria-invalid", String(!kept));
      if (kept) this.showAway(false);
      else contact.focus();
    });
    return form;
  }

  /** Reading history aloud again after a reload would bury the shopper: the log is quiet until something new comes. */
  setLive(yes: boolean): void {
    this.log.setAttribute("aria-live", yes ? "polite" : "off");
    this.log.classList.toggle("live", yes);
  }

  /** What an AI said is still marked as such where it is pasted. */
  private onCopy(event: ClipboardEvent): void {
    const chosen = ((this.log.getRootNode() as unknown as Document).getSelection?.() ?? getSelection())!;
    const ofBot = [chosen.anchorNode, chosen.focusNode].some((node) => node?.parentElement?.closest(".bot"));
    const text = String(chosen);
    if (!ofBot || text.includes(this.words.bot)) return;
    event.clipboardData!.setData("text/plain", `${this.words.bot}: ${text}`);
    event.preventDefault();
  }

  private tool(label: string, content: Node | string, act: () => void): HTMLButtonElement {
    return h("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick: act }, content);
  }

  private makeComposer(): HTMLElement {
    const send = h("button", { type: "submit", class: "send", "aria-label": this.words.send, disabled: true }, icon("send"));
    const files = h("input", { type: "file", hidden: true, multiple: true, accept: ".jpg,.png,.gif,.webp,.pdf" });
    files.addEventListener("change", () => {
      this.actions.attach([...files.files!]);
      files.value = "";
    });
    const clip = this.tool(this.words.attach, icon("clip"), () => files.click());
    const form = h("form", {}, files, clip, this.input, send);
    form.addEventListener("paste", (event) => {
      const pasted = [...event.clipboardData!.files];
      if (!pasted.length) return;
      event.preventDefault();
      this.actions.attach(pasted);
    });
    const grow = () => {
      send.disabled = !this.input.value.trim();
      this.input.style.height = "auto";
      this.input.style.height = `${this.input.scrollHeight}px`;
    };
    this.input.addEventListener("input", () => {
      grow();
      this.actions.typing();
    });
    this.input.addEventListener("keydown", (event) => {
      // While an input method is composing, Enter picks a candidate (keyCode 229 is Safari's way of saying so).
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      form.requestSubmit();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.input.value.trim();
      if (!text) return;
      this.input.value = "";
      grow();
      this.actions.send(text);
    });
    return h("div", {}, form, h("div", { class: "below" }, this.person));
  }
}
