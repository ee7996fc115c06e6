/**
 * <xiaoer-chat>: the shop attendant on a shop's own page. `<script src="…/widget.js" data-shop="…">` puts it there by
 * itself, with the script's other data- attributes as its own.
 *
 * Attributes: `server` (where the API is; default: where this script came from), `shop`, `locale` ("zh" or "en"),
 * `identity` (a token the shop signed), `name` (the attendant's), `currency` (put before bare prices), `face` (one or two
 * letters), `open`, `inline` (in the page instead of over it), `accent` (#rrggbb), `theme` ("light" or "dark" instead of the
 * system's).
 * Methods: show(), hide(), ask(text), logout(). Events: xiaoer-open, xiaoer-close, xiaoer-reply (detail: the reply),
 * xiaoer-identity-refused (detail: why; the shopper goes on unknown).
 * Colours: --xiaoer-accent, --xiaoer-on-accent and both with -dark.
 */

import { Client, Problem, type ReplyBody, type Session } from "./client.ts";
import { h, keepFocus } from "./dom.ts";
import { fileView } from "./file.ts";
import { Memory } from "./memory.ts";
import { OwnMessage } from "./own.ts";
import { greetingOf, ReplyView } from "./reply.ts";
import { Shell } from "./shell.ts";
import { SourceSheet } from "./sheet.ts";
import type { ServerEvent } from "./sse.ts";
import css from "./style.css";
import { wordsFor, type Words } from "./words.ts";

const script = document.currentScript as HTMLScriptElement | null;
const origin = script?.src ? new URL(script.src).origin : "";
const sheetOfStyle = new CSSStyleSheet();
sheetOfStyle.replaceSync(css);

/** The customer a token names. The server judges it; here it only tells one shopper from the next. */
function customerOf(token: string | null): string {
  try {
    return String(JSON.parse(atob(token!.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"))).sub);
  } catch {
    return "";
  }
}

class XiaoerChat extends HTMLElement {
  static readonly observedAttributes = ["identity"];
  private readonly root = this.attachShadow({ mode: "open" });
  private words!: Words;
  private shell!: Shell;
  private sheet!: SourceSheet;
  private client!: Client;
  private memory!: Memory;
  private session: Session | null = null;
  private starting: Promise<Session> | null = null;
  private following: AbortController | null = null;
  private replies = new Map<string, ReplyView>();
  private own = new Map<string, OwnMessage>();
  private lines = new Set<string>();
  /** Ids of the shopper's messages by the ids the server gave them. */
  private received = new Map<string, string>();
  private waiting = new Set<string>();
  private agentTimer = 0;
  /** A person was called or is here: then typing is shown to them. */
  private called = false;
  private typedAt = 0;
  private locale = "";

  connectedCallback(): void {
    this.root.adoptedStyleSheets = [sheetOfStyle];
    const server = (this.getAttribute("server") ?? origin).replace(/\/$/, "");
    const shop = this.getAttribute("shop") ?? "";
    this.client = new Client(server, shop);
    this.memory = new Memory(`xiaoer:${server}:${shop}`);
    this.session = this.memory.load();
    const wanted = this.getAttribute("locale") || document.documentElement.lang || navigator.language;
    this.locale = /^zh/i.test(wanted) ? "zh" : "en";
    this.meet();
    // Nothing said yet in the other language: greet again in this one.
    if (this.session && !this.session.spoken && this.session.locale !== this.locale) this.session = null;
    this.build();
    addEventListener("online", this.onNetwork);
    addEventListener("offline", this.onNetwork);
    visualViewport?.addEventListener("resize", this.onViewport);
    const open = this.inline || (this.hasAttribute("open") && !this.isPhone);
    if (this.session || open) void this.begin();
    if (open) this.show(false);
  }

  /** The page has another customer, or none any more. */
  attributeChangedCallback(): void {
    const before = this.session;
    if (!this.shell) return;
    this.meet();
    if (before !== this.session) this.rebuild();
  }

  /** What one shopper said is never shown to the next at the same browser. */
  private meet(): void {
    const old = this.session;
    if (!old || (old.who ?? "") === customerOf(this.getAttribute("identity")) || (!old.who && old.spoken)) return;
    this.leave(old);
  }

  private leave(old: Session): void {
    this.client.post(`/${old.id}/logout`, {}, old).catch(() => undefined);
    this.forget(true);
  }

  private rebuild(): void {
    const open = !this.shell.panel.hidden;
    this.build();
    if (open) this.show(false);
  }

  /** The shopper leaves the shop: the conversation ends and nothing of it stays here. */
  logout(): void {
    if (this.session) this.leave(this.session);
    this.removeAttribute("identity");
    this.rebuild();
  }

  disconnectedCallback(): void {
    this.following?.abort();
    removeEventListener("online", this.onNetwork);
    removeEventListener("offline", this.onNetwork);
    visualViewport?.removeEventListener("resize", this.onViewport);
    this.root.replaceChildren();
  }

  /** Opens the window; focus moves into it unless the page opened it by itself. */
  show(takeFocus = true): void {
    this.shell.panel.hidden = false;
    this.shell.launcher.hidden = true;
    this.shell.showUnread(false);
    this.lockPage(this.isPhone);
    this.shell.panel.setAttribute("aria-modal", String(this.isPhone));
    this.onViewport();
    this.shell.toEnd(false);
    // A phone would throw up its keyboard over the greeting, so there the title takes the focus.
    if (takeFocus) (this.isPhone ? this.shell.title : this.shell.input).focus({ preventScroll: true });
    this.dispatchEvent(new CustomEvent("xiaoer-open", { bubbles: true }));
    void this.begin();
  }

  hide(): void {
    this.sheet.hide();
    if (this.inline) return;
    this.shell.panel.hidden = true;
    this.shell.launcher.hidden = false;
    this.lockPage(false);
    this.shell.launcher.focus({ preventScroll: true });
    this.dispatchEvent(new CustomEvent("xiaoer-close", { bubbles: true }));
  }

  /** Opens the window and asks. */
  ask(text: string): void {
    if (this.shell.panel.hidden) this.show();
    this.send(text);
  }

  private get inline(): boolean {
    return this.hasAttribute("inline");
  }

  /** Over the whole page, as on a phone. */
  private get isPhone(): boolean {
    return !this.inline && matchMedia("(max-width: 560px)").matches;
  }

  private readonly onNetwork = (): void => this.shell.showOffline(!navigator.onLine);

  /** Keeps the composer above an on-screen keyboard. */
  private readonly onViewport = (): void => {
    if (visualViewport && this.isPhone) this.shell.panel.style.setProperty("--view-height", `${visualViewport.height}px`);
  };

  private lockPage(yes: boolean): void {
    document.documentElement.style.overflow = yes ? "hidden" : "";
  }

  private build(): void {
    this.words = wordsFor(this.locale);
    const name = this.getAttribute("name") || this.words.title;
    this.shell = new Shell(this.words, name, this.getAttribute("face") || [...name][0] || "", {
      open: () => this.show(),
      close: () => this.hide(),
      fresh: () => this.fresh(),
      switchLanguage: () => this.switchLanguage(),
      person: () => void this.callPerson(),
      send: (text) => this.send(text),
      attach: (files) => {
        for (const file of files) this.send("", file);
      },
      typing: () => this.tellTyping(),
      leave: (contact, message) => this.post("handoff", { contact, message }),
      score: (score) => this.post("feedback", { helpful: score > 2, score }),
    });
    if (this.inline) this.shell.stay();
    this.paint(this.session?.accent);
    this.sheet = new SourceSheet(this.shell.panel, this.shell.inner);
    this.shell.panel.addEventListener("keydown", (event) => this.onKey(event));
    const frame = h("div", { lang: this.words.lang }, this.shell.launcher, this.shell.panel);
    this.root.replaceChildren(frame);
    this.onNetwork();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === "Escape" && !event.isComposing) {
      event.stopPropagation();
      if (this.sheet.isOpen) this.sheet.hide();
      else this.hide();
    }
    if (event.key === "Tab" && (this.isPhone || this.sheet.isOpen))
      keepFocus(event, this.root, this.sheet.isOpen ? this.shell.panel.querySelector(".sheet")! : this.shell.inner);
  }

  private switchLanguage(): void {
    this.locale = this.locale === "zh" ? "en" : "zh";
    const draft = this.shell.input.value;
    const spoken = this.session?.spoken;
    this.forget(!spoken);
    this.build();
    this.show();
    this.shell.input.value = draft;
    this.shell.input.dispatchEvent(new Event("input"));
  }

  /** Ends this conversation and begins another. */
  private fresh(): void {
    if (this.session?.spoken) this.client.post(`/${this.session.id}/close`, {}, this.session).catch(() => undefined);
    this.forget(true);
    this.build();
    this.show();
  }

  private forget(alsoSession: boolean): void {
    this.following?.abort();
    this.following = null;
    this.starting = null;
    this.replies.clear();
    this.own.clear();
    this.lines.clear();
    this.received.clear();
    this.waiting.clear();
    this.called = false;
    if (!alsoSession) return;
    this.session = null;
    this.memory.save(null);
  }

  /** A conversation to speak in: the one kept from before, or a new one. Fails with a Problem. */
  private begin(): Promise<Session> {
    this.starting ??= this.start().catch((error) => {
      this.starting = null;
      this.shell.showOffline(true);
      // Somebody is looking at an empty window: try again by ourselves.
      setTimeout(() => this.isConnected && !this.shell.panel.hidden && this.begin(), 5000);
      throw error;
    });
    this.starting.catch(() => undefined);
    return this.starting;
  }

  private async start(): Promise<Session> {
    const session = this.session ?? (await this.introduce());
    this.session = session;
    this.memory.save(session);
    this.shell.showOffline(!navigator.onLine);
    this.paint(session.accent);
    if (!this.hasAttribute("name") && session.name) this.shell.title.textContent = session.name;
    this.greet(session);
    this.shell.setLive(!session.spoken);
    this.follow(session);
    return session;
  }

  /** A new conversation, known where the shop's token is good; a bad one leaves nobody without an answer. */
  private async introduce(): Promise<Session> {
    const token = this.getAttribute("identity") ?? "";
    try {
      return await this.client.start(this.locale, token, customerOf(token));
    } catch (error) {
      if (!token || !(error as Problem).status) throw error;
      this.dispatchEvent(new CustomEvent("xiaoer-identity-refused", { bubbles: true, detail: (error as Problem).detail }));
      return this.client.start(this.locale, "", "");
    }
  }

  /** The brand's colour; the style makes it dark or light enough to be read. */
  private paint(brand = ""): void {
    const accent = this.getAttribute("accent") || brand;
    if (/^#[\da-f]{6}$/i.test(accent)) this.style.setProperty("--xiaoer-brand", accent);
  }

  private greet(session: Session): void {
    const greeting = greetingOf(session, this.words, (text) => this.send(text));
    this.shell.change(() => this.shell.opening.replaceChildren(...greeting));
  }

  private follow(session: Session): void {
    this.following?.abort();
    const abort = new AbortController();
    this.following = abort;
    const turn = { id: "" };
    void this.client.follow(session, abort.signal, {
      event: (event) => this.onEvent(event, turn),
      connected: (yes) => {
        this.shell.showOffline(!yes);
        // What happened before has been told by then; from here on it is news.
        if (yes) setTimeout(() => this.shell.setLive(true), 1500);
      },
      over: () => this.shell.showEnded(true),
      gone: () => this.expire(),
    });
  }

  /** The server no longer knows the conversation (expired, or its data was removed). */
  private expire(): void {
    if (this.waiting.size || [...this.own.values()].some((own) => own.failed)) return;
    this.forget(true);
    this.build();
    if (this.hasAttribute("open") && !this.isPhone) this.show(false);
  }

  /** One event, from a reply's own stream or from the log: both tell the same story. */
  private onEvent(event: ServerEvent, turn: { id: string }): void {
    if (!event.data) return;
    const data = JSON.parse(event.data);
    switch (event.name) {
      case "message.received":
        return this.onOwnMessage(data);
      case "attachment.added":
        return this.onFile(event.id, data);
      case "reply.started":
        turn.id = data.message_id ?? turn.id;
        return;
      case "reply.sentence":
        return this.shell.change(() => {
          this.replyOf(data.message_id ?? turn.id).addSentence(data.index, data.text, data.citations);
          this.shell.showTyping(false);
        });
      case "reply.completed":
        return this.onReply(data.reply ?? data);
      case "problem":
        return this.onLoggedProblem(data);
      case "handoff.requested":
        this.called = true;
        if (!data.message_id && data.text) this.addLine(event.id, "bot", this.words.bot, data.text);
        if (data.offline) return this.shell.showAway(true);
        return this.shell.showNotice(data.position ? this.words.place(data.position) : this.words.waiting);
      case "handoff.position":
        return this.shell.showNotice(this.words.place(data.position));
      case "ticket.opened":
        this.shell.showAway(false);
        return data.text && this.addLine(event.id, "bot", this.words.bot, data.text);
      case "agent.joined":
        this.called = true;
        this.shell.showAway(false);
        return this.shell.showNotice(this.words.joined(data.agent || this.words.agent));
      case "agent.left":
        this.called = false;
        this.shell.showNotice("");
        return this.addLine(event.id, "bot", this.words.bot, data.text || this.words.left);
      case "agent.typing":
        return this.onAgentTyping(data.agent || this.words.agent);
      case "agent.message":
        clearTimeout(this.agentTimer);
        this.shell.setLive(true);
        this.shell.showTyping(this.waiting.size > 0);
        return this.addLine(data.message_id || event.id, "agent", data.agent || this.words.agent, data.text);
      case "feedback.given":
        if (data.score) return this.shell.showScore(data.score);
        return this.replies.get(data.message_id)?.markRated(Boolean(data.helpful));
      case "subject.erased":
      case "conversation.closed":
        return this.shell.showEnded(true);
    }
  }

  private tellTyping(): void {
    if (!this.called || !this.session || Date.now() - this.typedAt < 3000) return;
    this.typedAt = Date.now();
    void this.post("typing", {});
  }

  /** POSTs to the conversation and tells whether that worked. */
  private async post(path: string, body: object): Promise<boolean> {
    const sent = this.session && this.client.post(`/${this.session.id}/${path}`, body, this.session);
    return Boolean(sent) && sent!.then(
      () => true,
      () => false,
    );
  }

  private onOwnMessage(data: { text?: string; client_message_id?: string; message_id?: string }): void {
    if (!data.text) return;
    const id = data.client_message_id || data.message_id || "";
    const known = this.own.get(id) ?? [...this.own].find(([key, own]) => this.waiting.has(key) && own.text === data.text)?.[1];
    if (!known) this.shell.change(() => this.addOwn(id, data.text!));
    known?.view.removeAttribute("aria-busy");
    if (data.message_id) this.received.set(data.message_id, id);
  }

  private replyOf(messageId: string): ReplyView {
    const known = this.replies.get(messageId);
    if (known) return known;
    this.replies.forEach((reply) => reply.retire());
    this.shell.opening.querySelector(".chips")?.remove();
    const reply = new ReplyView(messageId, this.words, {
      ask: (text) => this.send(text),
      showSource: (number, citation, opener) => this.sheet.show(number, citation, opener, this.words),
      rate: (message_id, helpful, comment) => this.post("feedback", { message_id, helpful, comment }),
      currency: this.getAttribute("currency") ?? "",
    });
    this.replies.set(messageId, reply);
    this.shell.log.append(reply.root);
    return reply;
  }

  private onReply(body: ReplyBody): void {
    this.shell.change(() => this.replyOf(body.message_id).finish(body));
    this.own.get(this.received.get(body.message_id) ?? "")?.clearFailure();
    this.shell.showTyping(false);
    if (this.shell.panel.hidden && this.waiting.size) this.shell.showUnread(true);
    this.dispatchEvent(new CustomEvent("xiaoer-reply", { bubbles: true, detail: body }));
  }

  private onAgentTyping(name: string): void {
    this.shell.showTyping(true, this.words.agentTyping(name));
    clearTimeout(this.agentTimer);
    this.agentTimer = window.setTimeout(() => this.shell.showTyping(this.waiting.size > 0), 5000);
  }

  /** A line that is no reply: a person's, the announcement of one, or a file. */
  private addLine(id: string, kind: "agent" | "bot" | "me", name: string, text: string | Node): void {
    if (!text || this.lines.has(id)) return;
    this.lines.add(id);
    const label = h("span", { class: kind === "me" ? "hidden" : "name" }, name);
    const view = h("article", { class: `turn ${kind}` }, label, h("div", { class: "bubble", dir: "auto" }, text));
    this.shell.change(() => this.shell.log.append(view));
    if (this.shell.panel.hidden) this.shell.showUnread(true);
  }

  private onFile(id: string, data: { attachment_id: string; name: string; media_type: string; client_message_id?: string; agent?: string; text?: string }): void {
    const { session, words } = this;
    const load = () => this.client.file(session!, data.attachment_id);
    const view = () => fileView(data.name, data.media_type, load);
    if (data.agent) this.addLine(data.attachment_id, "agent", data.agent, view());
    else if (!this.own.has(data.client_message_id ?? "")) this.addLine(data.attachment_id, "me", words.you, view());
    if (data.text) this.addLine(id, "bot", words.bot, data.text);
  }

  /** A turn that failed, as the log tells it: after a reload, or when its own stream broke first. */
  private onLoggedProblem(data: { message_id?: string; status?: number; type?: string; detail?: string }): void {
    const id = this.received.get(data.message_id ?? "") ?? "";
    const own = this.own.get(id);
    if (own && !own.failed && !this.waiting.has(id)) this.showFailure(id, own, Problem.from(data.status ?? 500, data));
  }

  private addOwn(id: string, text: string, file?: File): OwnMessage {
    this.replies.forEach((reply) => reply.retire());
    this.shell.opening.querySelector(".chips")?.remove();
    const own = new OwnMessage(text, this.words, file);
    this.own.set(id, own);
    this.shell.log.append(own.view);
    return own;
  }

  private send(text: string, file?: File): void {
    const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    this.shell.setLive(true);
    // The tapped chip goes away: keep the keyboard where it can go on.
    if (this.root.activeElement !== this.shell.input)
      (this.isPhone ? this.shell.scroll : this.shell.input).focus({ preventScroll: true });
    this.shell.change(() => this.addOwn(id, text, file), true);
    void this.deliver(id);
  }

  private async deliver(id: string): Promise<void> {
    const own = this.own.get(id)!;
    own.clearFailure();
    this.waiting.add(id);
    own.view.setAttribute("aria-busy", "true");
    this.shell.showTyping(!own.file);
    try {
      const session = await this.begin();
      if (!session.spoken) this.memory.save(Object.assign(session, { spoken: true }));
      if (own.file) return void (await this.client.upload(session, own.file, id));
      const turn = { id: "" };
      for await (const event of this.client.send(session, own.text, id)) if (this.own.get(id) === own) this.onEvent(event, turn);
    } catch (error) {
      if (this.own.get(id) === own) this.showFailure(id, own, error);
    } finally {
      this.waiting.delete(id);
      own.view.removeAttribute("aria-busy");
      if (!this.waiting.size) this.shell.showTyping(false);
    }
  }

  private showFailure(id: string, own: OwnMessage, error: unknown): void {
    const retry = (expired: boolean) => {
      if (!expired) return void this.deliver(id);
      this.fresh();
      this.send(own.text, own.file);
    };
    this.shell.change(() => own.showFailure(error, retry), true);
  }

  private async callPerson(): Promise<void> {
    this.shell.person.disabled = true;
    try {
      const session = await this.begin();
      this.memory.save(Object.assign(session, { spoken: true }));
      await this.client.post(`/${session.id}/handoff`, {}, session);
      this.shell.input.focus({ preventScroll: true });
    } catch {
      this.shell.showOffline(true);
    } finally {
      this.shell.person.disabled = false;
    }
  }
}

if (!customElements.get("xiaoer-chat")) customElements.define("xiaoer-chat", XiaoerChat);

if (script?.dataset.shop !== undefined) {
  const place = () => {
    const chat = h("xiaoer-chat" as "div", { ...(script.dataset as Record<string, string>) });
    script.closest("body") ? script.after(chat) : document.body.append(chat);
  };
  if (document.body) place();
  else addEventListener("DOMContentLoaded", place);
}
