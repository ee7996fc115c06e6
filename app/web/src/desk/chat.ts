/** One conversation on the desk: what was said, the draft for what comes next, and the composer. */

import { h } from "../dom.ts";
import { address, upload } from "../staff/api.ts";
import { attempt } from "../staff/feedback.ts";
import { t } from "../staff/words.ts";
import { server, type Conversation, type Data, type LogEvent } from "./model.ts";
import { clock, reason, shopperName, status } from "./say.ts";

export interface ChatActions {
  me(): string;
  isSupervisor(): boolean;
  active(id: string): void;
  shut(id: string): void;
  claim(id: string, control: HTMLElement): void;
  canned(chat: Chat): void;
  transfer(chat: Chat): void;
  assign(chat: Chat): void;
  close(chat: Chat): void;
  context(): void;
}

const TYPING_EVERY = 3_000;
const TYPING_SHOWN = 6_000;

export class Chat {
  readonly view: HTMLElement;
  readonly input = h("textarea", { rows: "1", "aria-label": t("回复顾客", "Reply to the shopper") });
  conversation: Conversation;
  private readonly log = h("div", { class: "desk-log", role: "log", tabindex: "0", "aria-label": t("聊天记录", "Conversation") });
  private readonly head = h("header", { class: "desk-head" });
  private readonly foot = h("footer", { class: "desk-foot" });
  private readonly draftBox = h("section", { class: "desk-draft", hidden: true, "aria-label": t("草稿", "Draft") });
  private readonly typing = h("p", { class: "desk-typing", role: "status" });
  private draft: Data | null = null;
  private fromDraft = "";
  private noting = false;
  private last = 0;
  private typedAt = 0;
  private typingTimer = 0;
  unread = 0;
  /** On a phone it is laid out only once it is looked at: then it shows its end. */
  private seen = false;

  constructor(
    conversation: Conversation,
    private readonly actions: ChatActions,
  ) {
    this.conversation = conversation;
    this.view = h("article", { class: "desk-chat", "data-chat": conversation.id, "aria-label": shopperName(conversation.id) });
    this.view.append(this.head, this.log, this.typing, this.draftBox, this.foot);
    this.view.addEventListener("focusin", () => this.actions.active(conversation.id));
    this.view.addEventListener("click", () => this.actions.active(conversation.id));
    this.wireInput();
    this.take(conversation.events);
    this.stand();
  }

  get id(): string {
    return this.conversation.id;
  }

  get isMine(): boolean {
    return this.conversation.status === "with_agent" && this.conversation.agent === this.actions.me();
  }

  /** Takes in what has happened since; tells whether the shopper or somebody else said something new. */
  async refresh(): Promise<boolean> {
    const told = await server.since(this.id, this.last);
    const stood = `${this.conversation.status}${this.conversation.agent}`;
    Object.assign(this.conversation, { status: told.status, agent: told.agent });
    const news = this.take(told.events);
    if (stood !== `${told.status}${told.agent}`) this.stand();
    return news;
  }

  /** The whole conversation again: who it is with has changed, or its context. */
  replace(conversation: Conversation): void {
    this.conversation = conversation;
    this.take(conversation.events);
    this.stand();
  }

  showTyping(): void {
    this.typing.textContent = t("顾客正在输入…", "The shopper is typing…");
    clearTimeout(this.typingTimer);
    this.typingTimer = window.setTimeout(() => (this.typing.textContent = ""), TYPING_SHOWN);
  }

  focus(): void {
    this.unread = 0;
    if (!this.seen) this.log.scrollTop = this.log.scrollHeight;
    this.seen = true;
    (this.foot.contains(this.input) ? this.input : this.log).focus({ preventScroll: true });
    this.view.scrollIntoView({ inline: "nearest", block: "nearest" });
  }

  /** Puts a text where it can be changed before it is sent. */
  fill(text: string): void {
    const before = this.input.value.replace(/\/\S*$/, "");
    this.input.value = before + text;
    this.grow();
    this.input.focus();
  }

  useDraft(): void {
    if (!this.draft?.text) return;
    this.fromDraft = this.draft.message_id;
    this.input.value = this.draft.text;
    this.grow();
    this.input.focus();
  }

  sendDraft(): void {
    if (this.draft?.text && this.isMine) void this.send(this.draft.text, this.draft.message_id);
  }

  toggleNote(): void {
    this.noting = !this.noting;
    this.stand();
    this.input.focus();
  }

  act(name: string, body: Data = {}, control?: HTMLElement): Promise<void> {
    return attempt(async () => {
      await server.act(this.id, name, body);
      await this.refresh();
    }, control);
  }

  private take(events: LogEvent[]): boolean {
    const fresh = events.filter((event) => event.seq > this.last);
    if (!fresh.length) return false;
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80;
    let news = false;
    for (const event of fresh) {
      this.last = event.seq;
      const shown = this.shown(event);
      if (shown) this.log.append(shown);
      news ||= ["message.received", "attachment.added", "handoff.requested", "handoff.requeued"].includes(event.type);
      if (event.type === "message.received") this.typing.textContent = "";
    }
    this.showDraft();
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
    requestAnimationFrame(() => atEnd && (this.log.scrollTop = this.log.scrollHeight));
    return news;
  }

  private shown(event: LogEvent): HTMLElement | null {
    const { data } = event;
    switch (event.type) {
      case "message.received":
        return this.bubble("shopper", "", data.text, event.time);
      case "reply.completed":
        return data.text ? this.bubble("bot", t("机器人", "Bot"), data.text, event.time, data) : null;
      case "attachment.added":
        return this.file(data, event.time);
      case "agent.message":
        this.draft = null;
        return this.bubble(data.agent === this.actions.me() ? "own" : "agent", data.name, data.text, event.time);
      case "note.added":
        return this.bubble("note", t(`${data.name} 的备注（顾客看不到）`, `${data.name}'s note (only staff see it)`), data.text, event.time);
      case "assist.drafted":
        this.draft = data;
        return null;
      case "handoff.requested":
        return this.mark(`${t("转人工", "Handed over")}: ${reason(data.reason)}`, event.time);
      case "handoff.requeued":
        return this.mark(`${t("回到队列", "Back in the queue")}: ${reason(data.reason)}`, event.time);
      case "ticket.opened":
        return this.mark(`${t("留言", "Message left")} ${data.ticket}: ${data.contact}`, event.time);
      case "agent.joined":
      case "agent.transferred":
        return this.mark(t(`${data.name} 接待`, `${data.name} joined`), event.time);
      case "agent.left":
        return this.mark(t("交还机器人", "Given back to the bot"), event.time);
      case "handoff.withdrawn":
        return this.mark(t("移出队列，由机器人继续", "Out of the queue, back to the bot"), event.time);
      case "feedback.given":
        return this.mark(`${t("评价", "Rated")}: ${data.score ? `${data.score}/5` : data.helpful ? "👍" : "👎"} ${data.comment ?? ""}`, event.time);
      case "conversation.closed":
        return this.mark(t("会话结束", "Closed"), event.time);
    }
    return null;
  }

  private bubble(kind: string, name: string, text: string, time: string, reply: Data = {}): HTMLElement {
    const sources = sourcesOf(reply);
    const label = h("small", {}, [name, clock(time)].filter(Boolean).join(" · "));
    return h("div", { class: `said ${kind}` }, label, h("p", { class: "prose" }, text), ...(sources.length ? [h("div", { class: "sources" }, ...sources)] : []));
  }

  /** A picture is shown, a document is saved; the server says which it is and lets neither do anything. */
  private file(data: Data, time: string): HTMLElement {
    const path = `/v1/desk/conversations/${encodeURIComponent(this.id)}/attachments/${encodeURIComponent(data.attachment_id)}`;
    const picture = String(data.media_type).startsWith("image/");
    const size = `${Math.max(1, Math.round(data.size_bytes / 1024)).toLocaleString()} kB`;
    const shown = picture ? h("img", { src: path, alt: "", loading: "lazy", width: String(data.width), height: String(data.height) }) : null;
    const link = h("a", { href: path, ...(picture ? { target: "_blank", rel: "noopener" } : { download: data.name }) }, shown, `${data.name} · ${size}`);
    const kind = !data.agent ? "shopper" : data.agent === this.actions.me() ? "own" : "agent";
    const label = h("small", {}, [data.agent ? data.agent_name : "", clock(time)].filter(Boolean).join(" · "));
    return h("div", { class: `said file ${kind}` }, label, h("p", {}, link));
  }

  private sendFiles(files: Iterable<File>, control?: HTMLElement): void {
    for (const file of files) {
      const query = { name: file.name, client_message_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` };
      const path = address(`/v1/desk/conversations/${encodeURIComponent(this.id)}/attachments`, query);
      void attempt(async () => {
        await upload(path, file, "application/octet-stream", () => undefined);
        await this.refresh();
        this.log.scrollTop = this.log.scrollHeight;
      }, control);
    }
  }

  private attachButton(): HTMLElement[] {
    const files = h("input", { type: "file", hidden: true, multiple: true, accept: ".jpg,.png,.gif,.webp,.pdf" });
    const button = h("button", { type: "button", class: "quiet", onclick: () => files.click() }, t("文件", "File"));
    files.addEventListener("change", () => {
      this.sendFiles([...files.files!], button);
      files.value = "";
    });
    return [files, button];
  }

  private mark(text: string, time: string): HTMLElement {
    return h("p", { class: "desk-mark" }, `${text} · ${clock(time)}`);
  }

  private showDraft(): void {
    const draft = this.draft;
    this.draftBox.hidden = !draft || !this.isMine;
    if (!draft || !this.isMine) return;
    const sure = Math.round((draft.confidence ?? 0) * 100);
    const tone = sure >= 70 ? "good" : sure >= 40 ? "warn" : "bad";
    const near: Data[] = draft.text ? [] : (draft.passages ?? []);
    const head = h("header", {}, h("strong", {}, t("草稿", "Draft")), draft.text ? h("span", { class: `badge ${tone}` }, t(`把握 ${sure}%`, `${sure}% sure`)) : null);
    const sources = sourcesOf(draft);
    const nothing = near.length
      ? t("资料里没有把握的答案，下面是最接近的段落。", "No sure answer in the knowledge; these passages come closest.")
      : t("资料里没有能用来回答的内容。", "The knowledge has nothing to answer this with.");
    const body = draft.text ? h("p", { class: "prose" }, draft.text) : h("p", { class: "hint" }, nothing);
    const passages = near.length ? [h("ul", { class: "desk-sources" }, ...near.map((p) => h("li", {}, h("span", { class: "clip" }, `${p.title}: ${p.text}`))))] : [];
    const acts = h("div", { class: "row" });
    if (draft.text) {
      acts.append(
        h("button", { type: "button", class: "primary small", title: "Alt+S", onclick: () => this.sendDraft() }, t("发送", "Send"), h("kbd", {}, "Alt+S")),
        h("button", { type: "button", class: "small", title: "Alt+E", onclick: () => this.useDraft() }, t("修改", "Edit"), h("kbd", {}, "Alt+E")),
      );
    }
    for (const step of (draft.next_steps ?? []).slice(0, 2)) acts.append(h("button", { type: "button", class: "chip", onclick: () => this.fill(step) }, step));
    this.draftBox.replaceChildren(head, body, ...passages, ...(sources.length ? [h("div", { class: "sources" }, ...sources)] : []), ...(acts.childElementCount ? [acts] : []));
  }

  /** Head and foot by where the conversation stands. */
  private stand(): void {
    const { status: now } = this.conversation;
    const tool = (label: string, key: string, act: (control: HTMLElement) => void, kind = "quiet") => {
      const button = h("button", { type: "button", class: kind, title: `${label} (Alt+${key})` }, label);
      button.addEventListener("click", () => act(button));
      return button;
    };
    const tools = h("div", { class: "desk-tools" });
    if (this.isMine) {
      tools.append(
        tool(t("交还机器人", "Hand back"), "B", (control) => void this.act("hand-back", {}, control)),
        tool(t("转接", "Transfer"), "T", () => this.actions.transfer(this)),
        tool(t("结束", "Close"), "W", () => this.actions.close(this)),
      );
    } else if (now === "waiting_for_agent") {
      tools.append(tool(t("退回机器人", "To the bot"), "B", (control) => void this.act("hand-back", {}, control)));
      tools.append(tool(t("结束", "Close"), "W", () => this.actions.close(this)));
    }
    if (!this.isMine && now !== "closed" && this.actions.isSupervisor()) tools.prepend(tool(t("指派", "Assign"), "T", () => this.actions.assign(this)));
    const shut = h("button", { type: "button", class: "quiet", "aria-label": t("收起会话", "Put away"), title: "Esc", onclick: () => this.actions.shut(this.id) }, "×");
    const about = h("button", { type: "button", class: "quiet only-phone", onclick: () => this.actions.context() }, t("资料", "Info"));
    const tone = this.isMine ? "good" : now === "waiting_for_agent" ? "warn" : "";
    this.head.replaceChildren(h("h2", {}, shopperName(this.id)), h("span", { class: `badge ${tone}` }, status(now)), tools, about, shut);
    this.foot.replaceChildren(...this.composer(now));
    this.showDraft();
  }

  private composer(now: string): Node[] {
    if (now === "closed") return [h("p", { class: "hint" }, t("会话已结束，仍可加备注。", "Closed. Notes can still be added.")), this.line(true)];
    if (this.isMine) return [this.line(this.noting)];
    const held = now === "with_agent";
    if (held && !this.actions.isSupervisor()) return [h("p", { class: "hint" }, t("同事正在接待。可以加备注。", "A colleague has it. You can add notes.")), this.line(true)];
    const take = h("button", { type: "button", class: "primary wide" }, held ? t("接管", "Take over") : t("接入会话", "Take this conversation"));
    take.addEventListener("click", () => (held ? void this.act("take-over", {}, take) : this.actions.claim(this.id, take)));
    return [take];
  }

  private line(note: boolean): HTMLElement {
    this.input.placeholder = note ? t("备注，只有同事看得到…", "A note only staff see…") : t("回复… 输入 / 用快捷语", "Reply… type / for canned replies");
    const send = h("button", { type: "button", class: "primary" }, note ? t("记下", "Note") : t("发送", "Send"));
    send.addEventListener("click", () => this.submit(note));
    const toggle = h("button", { type: "button", class: "quiet", "aria-pressed": String(note), title: "Alt+I", onclick: () => this.toggleNote() }, t("备注", "Note"));
    const canned = h("button", { type: "button", class: "quiet", title: "Alt+K", onclick: () => this.actions.canned(this) }, t("快捷语", "Canned"));
    const extras = this.isMine ? [toggle, canned, ...this.attachButton()] : [];
    return h("div", { class: note ? "desk-line note" : "desk-line" }, this.input, h("div", { class: "row apart" }, h("div", { class: "row" }, ...extras), send));
  }

  private wireInput(): void {
    this.input.addEventListener("input", () => {
      this.grow();
      if (this.isMine && !this.noting && this.input.value && Date.now() - this.typedAt > TYPING_EVERY) {
        this.typedAt = Date.now();
        server.act(this.id, "typing").catch(() => undefined);
      }
      if (this.input.value === "/" && this.isMine && !this.noting) this.actions.canned(this);
    });
    this.input.addEventListener("paste", (event) => {
      const pasted = [...event.clipboardData!.files];
      if (!pasted.length || !this.isMine) return;
      event.preventDefault();
      this.sendFiles(pasted);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.submit(this.noting || !this.isMine);
    });
  }

  private submit(note: boolean): void {
    const text = this.input.value.trim();
    if (!text) return;
    if (!note) return void this.send(text, this.fromDraft);
    void this.act("notes", { text }).then(() => {
      this.input.value = "";
      this.noting = false;
      this.stand();
    });
  }

  /** One click is one message: a repeat after a lost answer carries the same id. */
  private async send(text: string, draft: string): Promise<void> {
    const body = { text, draft, client_message_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` };
    this.input.value = "";
    this.fromDraft = "";
    this.grow();
    await attempt(async () => {
      try {
        await server.act(this.id, "messages", body);
      } catch (error) {
        this.input.value = text;
        throw error;
      }
      this.draft = null;
      this.log.scrollTop = this.log.scrollHeight;
      await this.refresh();
      this.log.scrollTop = this.log.scrollHeight;
    });
  }

  private grow(): void {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 180)}px`;
  }
}

/** Each source once, as a person would say it. */
function sourcesOf(said: Data): HTMLElement[] {
  const quotes = new Map<string, string>();
  for (const c of (said.citations ?? []) as Data[]) {
    const name = `${String(c.path).split("/").pop()} · ${c.locator}`;
    quotes.set(name, [quotes.get(name), c.quote].filter(Boolean).join("\n"));
  }
  return [...quotes].map(([name, quote]) => h("span", { class: "source", title: quote }, name));
}
