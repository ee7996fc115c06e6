/** Holds the desk together: the queue, the open chats side by side, the stream of what happens, the keys. */

import { h } from "../dom.ts";
import { attempt, toast } from "../staff/feedback.ts";
import { chinese, t } from "../staff/words.ts";
import { Chat } from "./chat.ts";
import { Context } from "./context.ts";
import { askAssign, askCanned, askMode, askOutcome, askSelf, askTransfer, showKeys } from "./dialogs.ts";
import { List } from "./list.ts";
import { deskShop, server, type Queue } from "./model.ts";
import { mode as modeName } from "./say.ts";

const WATCHED = [
  "handoff.requested", "handoff.raised", "handoff.requeued", "handoff.withdrawn", "agent.joined", "agent.transferred", "agent.message", "agent.left",
  "message.received", "assist.drafted", "note.added", "tags.set", "ticket.opened", "conversation.closed", "subject.erased",
  "feedback.given", "conversation.changed", "presence.changed", "mode.changed", "shopper.typing", "reply.yielded",
];
const HERE_EVERY = 20_000;
const OPEN_KEY = "xiaoer-desk";

export class App {
  private readonly chats = new Map<string, Chat>();
  private readonly list: List;
  private readonly context = new Context(
    (id) => void this.open(id),
    () => this.view("chat"),
  );
  private readonly columns = h("div", { class: "desk-chats" });
  private readonly bar = h("header", { class: "desk-bar" });
  private readonly language = chinese ? "zh" : "en";
  private queue: Queue | null = null;
  private active = "";
  private asked = 0;

  constructor(private readonly root: HTMLElement) {
    this.list = new List({
      open: (id) => void this.open(id),
      claim: (id, control) => void this.claim(id, control),
      unread: (id) => this.chats.get(id)?.unread ?? 0,
    });
    const back = h("button", { type: "button", class: "quiet only-phone back", onclick: () => this.view("list") }, t("‹ 列表", "‹ List"));
    this.root.append(this.bar, h("div", { class: "desk-cols" }, this.list.view, h("div", { class: "desk-middle" }, back, this.columns), this.context.view));
    this.empty();
    this.context.show(null);
    document.addEventListener("keydown", (event) => this.onKey(event));
    addEventListener("beforeunload", () => this.remember());
  }

  async start(): Promise<void> {
    await attempt(async () => {
      await server.presence({});
      await this.reload();
      for (const id of this.remembered()) await this.open(id, false).catch(() => undefined);
      for (const row of this.queue?.mine ?? []) if (!this.chats.has(row.conversation_id)) await this.open(row.conversation_id, false);
    });
    this.watch();
    setInterval(() => server.presence({}).catch(() => undefined), HERE_EVERY);
  }

  private watch(): void {
    const after = this.queue?.last_event_id ?? 0;
    const source = new EventSource(`/v1/desk/events?after=${after}${deskShop ? `&shop=${encodeURIComponent(deskShop)}` : ""}`);
    source.onopen = () => this.root.classList.remove("offline");
    source.onerror = () => this.root.classList.add("offline");
    for (const name of WATCHED) source.addEventListener(name, (event) => void this.onEvent(name, JSON.parse((event as MessageEvent).data)));
  }

  private async onEvent(name: string, data: { conversation_id?: string; shop?: string; about?: Record<string, string>; mode?: string; by?: string }): Promise<void> {
    const chat = this.chats.get(data.conversation_id ?? "");
    if (name === "shopper.typing") return chat?.showTyping();
    if (name === "mode.changed" && data.by) toast(t(`${data.by} 把 ${data.shop} 切到「${modeName(data.mode ?? "")}」`, `${data.by} switched ${data.shop} to “${modeName(data.mode ?? "")}”`));
    if (chat) {
      const news = await chat.refresh().catch(() => false);
      if (news && (this.active !== chat.id || document.hidden)) chat.unread += 1;
      if (["tags.set", "ticket.opened", "conversation.closed", "agent.joined", "handoff.requested"].includes(name)) await this.freshen(chat);
    }
    if (name !== "conversation.changed" && name !== "assist.drafted") this.reloadSoon();
    this.title();
  }

  /** Several things happen at once: the queue is asked for when it is quiet for a moment. */
  private reloadSoon(): void {
    if (this.asked) return;
    this.asked = window.setTimeout(() => {
      this.asked = 0;
      this.reload().catch(() => undefined);
    }, 120);
  }

  private async reload(): Promise<void> {
    this.queue = await server.queue();
    this.list.update(this.queue, this.active);
    this.showBar(this.queue);
    this.title();
  }

  private async freshen(chat: Chat): Promise<void> {
    const conversation = await server.open(chat.id, this.language).catch(() => null);
    if (!conversation) return;
    chat.replace(conversation);
    if (this.active === chat.id) this.context.show(conversation);
  }

  private async open(id: string, focus = true): Promise<void> {
    if (!this.chats.has(id)) {
      const conversation = await server.open(id, this.language);
      const chat = new Chat(conversation, {
        me: () => this.queue?.me.agent ?? "",
        isSupervisor: () => ["supervisor", "admin"].includes(document.body.dataset.role ?? ""),
        active: (which) => this.activate(which),
        shut: (which) => this.shut(which),
        claim: (which, control) => void this.claim(which, control),
        canned: (which) => void attempt(() => askCanned(which)),
        transfer: (which) => void askTransfer(which, this.queue?.people ?? [], this.queue?.me.agent ?? ""),
        assign: (which) => void askAssign(which, this.queue?.people ?? []),
        close: (which) => void askOutcome(which).then((closed) => closed && this.shut(which.id)),
        context: () => this.view("context"),
      });
      this.chats.set(id, chat);
      this.arrange();
    }
    if (!focus) return;
    this.activate(id);
    this.view("chat");
    this.chats.get(id)?.focus();
  }

  private async claim(id: string, control?: HTMLElement): Promise<void> {
    await attempt(async () => {
      await server.act(id, "claim");
      if (this.chats.has(id)) await this.freshen(this.chats.get(id)!);
      await this.open(id);
      await this.reload();
    }, control);
  }

  private shut(id: string): void {
    this.chats.get(id)?.view.remove();
    this.chats.delete(id);
    this.arrange();
    const next = [...this.chats.keys()].pop() ?? "";
    this.activate(next);
    if (!next) this.view("list");
  }

  private arrange(): void {
    const views = [...this.chats.values()].map((chat) => chat.view);
    this.columns.querySelector(".empty")?.remove();
    // Only what is missing is put in: an element that is taken out and put back loses its place in the scroll.
    for (const view of views) if (!view.isConnected) this.columns.append(view);
    if (!views.length) this.empty();
    this.columns.style.setProperty("--chats", String(Math.max(1, views.length)));
  }

  private empty(): void {
    const next = h("button", { type: "button", class: "primary", onclick: () => void this.takeNext() }, t("接下一个", "Take the next one"), h("kbd", {}, "Alt+N"));
    this.columns.replaceChildren(h("div", { class: "empty" }, h("h2", {}, t("准备好了", "Ready")), h("p", {}, t("从左边选一个会话，或接下一个排队的。几个会话可以并排打开。", "Choose a conversation on the left, or take the next one waiting. Several stand side by side.")), next));
  }

  private activate(id: string): void {
    const chat = this.chats.get(id);
    if (this.active === id && chat) {
      chat.unread = 0;
      return;
    }
    this.active = id;
    for (const other of this.chats.values()) other.view.classList.toggle("active", other.id === id);
    if (chat) chat.unread = 0;
    this.context.show(chat?.conversation ?? null);
    this.list.mark(id);
    this.remember();
  }

  /** On a phone one part fills the screen. */
  private view(part: "list" | "chat" | "context"): void {
    this.root.dataset.view = part;
  }

  private async takeNext(): Promise<void> {
    if (this.list.next) await this.claim(this.list.next);
    else toast(t("现在没有人在等。", "Nobody is waiting now."));
  }

  private showBar(queue: Queue): void {
    const { floor, me } = queue;
    const online = me.status === "online";
    const presence = h("button", { type: "button", class: "quiet presence", "aria-pressed": String(online) }, h("i", { class: `light ${me.status}` }), online ? t("在线", "Online") : t("离开", "Away"));
    presence.addEventListener("click", () => void attempt(async () => {
      await server.presence({ status: online ? "away" : "online" });
      await this.reload();
    }, presence));
    const load = h("button", { type: "button", class: "quiet", onclick: () => void askSelf(me).then(() => this.reload()) }, `${me.holds}/${me.capacity}`);
    load.setAttribute("aria-label", t(`${me.holds}/${me.capacity}：接待中和上限，点按修改`, `${me.holds}/${me.capacity}: you have, and take at once; change`));
    const maySet = ["supervisor", "admin"].includes(document.body.dataset.role ?? "");
    const modes = queue.modes.map((mode) =>
      h("button", { type: "button", class: `chip mode ${mode.now}`, onclick: () => void askMode(mode, maySet) }, queue.modes.length > 1 ? h("small", {}, mode.shop) : null, modeName(mode.now)),
    );
    const numbers = h("p", { class: "desk-numbers" }, h("strong", {}, String(floor.waiting)), ` ${t("排队", "waiting")} · `, h("strong", {}, String(floor.held)), ` ${t("接待中", "with people")} · `, h("strong", {}, String(floor.present)), ` ${t("在座", "at the desk")}`);
    const keys = h("button", { type: "button", class: "quiet only-keyboard", "aria-label": t("快捷键", "Keys"), onclick: showKeys }, "?");
    const lost = h("span", { class: "badge bad desk-lost" }, t("连接断开，正在重连…", "Connection lost, reconnecting…"));
    this.bar.replaceChildren(h("h1", {}, t("工作台", "Desk")), numbers, lost, h("div", { class: modes.length > 1 ? "row modes many" : "row modes" }, ...modes), presence, load, keys);
  }

  private title(): void {
    const unread = [...this.chats.values()].reduce((sum, chat) => sum + chat.unread, 0);
    const waiting = this.queue?.floor.waiting ?? 0;
    const count = unread || waiting;
    document.title = `${count ? `(${count}) ` : ""}${t("工作台", "Desk")} · ${t("小二", "Xiaoer")}`;
  }

  private onKey(event: KeyboardEvent): void {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && this.active && !event.isComposing) return this.shut(this.active);
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    const chat = this.chats.get(this.active);
    const number = /^Digit([1-9])$/.exec(event.code)?.[1];
    const acts: Record<string, (() => void) | undefined> = {
      KeyN: () => void this.takeNext(),
      KeyS: () => chat?.sendDraft(),
      KeyE: () => chat?.useDraft(),
      KeyK: () => chat?.isMine && void attempt(() => askCanned(chat)),
      KeyI: () => chat?.toggleNote(),
      KeyT: () => chat?.isMine && void askTransfer(chat, this.queue?.people ?? [], this.queue?.me.agent ?? ""),
      KeyB: () => void chat?.act("hand-back"),
      KeyW: () => chat && void askOutcome(chat).then((closed) => closed && this.shut(chat.id)),
    };
    const act = number ? () => void this.open([...this.chats.keys()][Number(number) - 1] ?? this.active) : acts[event.code];
    if (!act) return;
    event.preventDefault();
    act();
  }

  private remember(): void {
    sessionStorage.setItem(OPEN_KEY, JSON.stringify([...this.chats.keys()]));
  }

  private remembered(): string[] {
    try {
      const ids: unknown = JSON.parse(sessionStorage.getItem(OPEN_KEY) ?? "[]");
      return Array.isArray(ids) ? ids.map(String).slice(0, 6) : [];
    } catch {
      return [];
    }
  }
}
