/** The left side: who waits, what I have, what everybody has, and what was. */

import { h } from "../dom.ts";
import { attempt } from "../staff/feedback.ts";
import { t } from "../staff/words.ts";
import { server, type Case, type Queue } from "./model.ts";
import { ago, reason, shopperName, status } from "./say.ts";

export type Tab = "queue" | "all" | "search";

export interface ListActions {
  open(id: string): void;
  claim(id: string, control: HTMLElement): void;
  unread(id: string): number;
}

export class List {
  readonly view = h("section", { class: "desk-list", "aria-label": t("会话列表", "Conversations") });
  private readonly body = h("div", { class: "desk-rows" });
  private readonly tabs = h("div", { class: "desk-tabs", role: "tablist" });
  private tab: Tab = "queue";
  private queue: Queue | null = null;
  private found: Case[] | null = null;
  private live: Case[] = [];
  private active = "";

  constructor(private readonly actions: ListActions) {
    const names: [Tab, string][] = [
      ["queue", t("队列", "Queue")],
      ["all", t("全部会话", "Live")],
      ["search", t("查找", "Search")],
    ];
    for (const [tab, name] of names) {
      this.tabs.append(h("button", { type: "button", role: "tab", "data-tab": tab, onclick: () => this.show(tab) }, name));
    }
    this.view.append(this.tabs, this.body);
    setInterval(() => this.view.querySelectorAll<HTMLElement>("[data-since]").forEach((e) => (e.textContent = ago(e.dataset.since!))), 5_000);
    this.show("queue");
  }

  /** The first conversation that waits and is mine to take. */
  get next(): string {
    return this.queue?.waiting.find((row) => row.mine_to_take)?.conversation_id ?? "";
  }

  update(queue: Queue, active: string): void {
    this.queue = queue;
    this.active = active;
    if (this.tab === "all") void this.loadLive();
    else if (this.tab === "queue") this.render();
  }

  mark(active: string): void {
    this.active = active;
    for (const row of this.body.querySelectorAll<HTMLElement>("[data-id]")) row.toggleAttribute("aria-current", row.dataset.id === active);
  }

  show(tab: Tab): void {
    this.tab = tab;
    for (const button of this.tabs.querySelectorAll<HTMLElement>("button")) {
      button.setAttribute("aria-selected", String(button.dataset.tab === tab));
    }
    if (tab === "all") void this.loadLive();
    this.render();
  }

  private render(): void {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.focus : undefined;
    if (this.tab === "search") {
      if (!this.body.querySelector("form")) this.body.replaceChildren(this.searchForm(), h("div", { class: "found" }));
      return;
    }
    const groups = this.tab === "queue" ? this.queueGroups() : this.liveGroups();
    this.body.replaceChildren(...groups);
    if (focused) this.body.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }

  private queueGroups(): Node[] {
    const queue = this.queue;
    if (!queue) return [h("p", { class: "loading" }, t("加载中…", "Loading…"))];
    const now = queue.waiting.filter((row) => !row.offline);
    const tickets = queue.waiting.filter((row) => row.offline);
    return [
      this.group(t("我的会话", "Mine"), queue.mine, matchMedia("(hover: none)").matches ? t("还没有会话。", "None yet.") : t("还没有会话。按 Alt+N 接下一个。", "None yet. Alt+N takes the next one.")),
      this.group(t("排队中", "Waiting"), now, t("没有人在等。", "Nobody is waiting.")),
      ...(tickets.length ? [this.group(t("下班留言", "Left while away"), tickets, "")] : []),
      ...(queue.held.length ? [this.group(t("同事的会话", "Colleagues'"), queue.held, "")] : []),
    ];
  }

  private liveGroups(): Node[] {
    const people = this.queue?.people ?? [];
    const staff = h("ul", { class: "desk-people" });
    for (const person of people) {
      staff.append(
        h("li", {}, h("i", { class: `light ${person.status}` }), h("span", { class: "grow" }, person.name), h("small", {}, `${person.holds}/${person.capacity}`)),
      );
    }
    const group = h("section", { class: "desk-group" }, h("h2", {}, t("在座", "At the desk"), h("span", { class: "count" }, String(people.length))), staff);
    return [group, this.group(t("进行中的会话", "Under way"), this.live, t("现在没有会话。", "No conversation is under way."))];
  }

  private async loadLive(): Promise<void> {
    const [open, held] = await Promise.all([server.find({ status: "open" }), server.find({ status: "with_agent" })]).catch(() => [null, null]);
    if (!open || !held) return;
    const since = Date.now() - 3_600_000;
    this.live = [...held.conversations, ...open.conversations.filter((row) => Date.parse(row.updated_at) > since)];
    if (this.tab === "all") this.render();
  }

  private group(title: string, rows: Case[], empty: string): HTMLElement {
    const list = h("ul");
    for (const row of rows) list.append(this.row(row));
    const heading = h("h2", {}, title, h("span", { class: "count" }, String(rows.length)));
    return h("section", { class: "desk-group" }, heading, rows.length ? list : h("p", { class: "hint" }, empty));
  }

  private row(row: Case): HTMLElement {
    const id = row.conversation_id;
    const waits = row.status === "waiting_for_agent";
    const unread = this.actions.unread(id);
    const since = waits ? row.queued_at : row.updated_at;
    const tone = row.priority >= 25 ? "bad" : row.priority >= 15 ? "warn" : "";
    const label = row.status === "open" ? status(row.status) : row.reason ? reason(row.reason) : status(row.status);
    const open = h(
      "button",
      { type: "button", class: "item", "data-focus": `row-${id}`, onclick: () => this.actions.open(id) },
      h("span", { class: "line" }, h("strong", {}, shopperName(id)), h("small", { "data-since": since }, ago(since))),
      h("span", { class: "preview" }, row.excerpt || row.preview || (row.agent_name ? `→ ${row.agent_name}` : "")),
      h(
        "span",
        { class: "line" },
        h("span", { class: `badge ${tone}` }, label),
        row.ticket ? h("span", { class: "badge info" }, row.ticket) : null,
        row.language ? h("small", {}, row.language.toUpperCase()) : null,
        ...row.tags.slice(0, 2).map((tag) => h("small", { class: "tag" }, `#${tag}`)),
        unread ? h("b", { class: "unread", "aria-label": t(`${unread} 条未读`, `${unread} unread`) }, String(unread)) : null,
      ),
    );
    const item = h("li", { "data-id": id }, open);
    if (id === this.active) item.setAttribute("aria-current", "true");
    if (waits) {
      const claim = h("button", { type: "button", class: "small primary claim", "data-focus": `claim-${id}` }, t("接入", "Take"));
      claim.addEventListener("click", () => this.actions.claim(id, claim));
      item.append(claim);
    }
    return item;
  }

  private searchForm(): HTMLElement {
    const text = h("input", { type: "search", "aria-label": t("查找会话", "Search conversations"), placeholder: t("词语、工单号、会话号", "Words, ticket or id") });
    const by = h("select", { "aria-label": t("状态", "Status") });
    for (const [value, name] of [["", t("任何状态", "Any status")], ["closed", status("closed")], ["with_agent", status("with_agent")], ["waiting_for_agent", status("waiting_for_agent")], ["open", status("open")]]) {
      by.append(h("option", { value: value! }, name!));
    }
    const tag = h("input", { "aria-label": t("标签", "Tag"), placeholder: t("标签", "Tag") });
    const go = h("button", { class: "primary small" }, t("查找", "Search"));
    const form = h("form", { class: "desk-search" }, text, h("div", { class: "row" }, by, tag, go));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void attempt(async () => {
        const answer = await server.find({ text: text.value.trim(), status: by.value, tag: tag.value.trim() });
        this.found = answer.conversations;
        const note = answer.scanned ? t(`翻看了最近 ${answer.scanned} 个会话`, `Looked through the newest ${answer.scanned}`) : "";
        const rows = this.group(t("找到", "Found"), this.found, t("没有找到。", "Nothing found."));
        this.body.querySelector(".found")?.replaceChildren(rows, h("p", { class: "hint" }, note));
      }, go);
    });
    return form;
  }
}
