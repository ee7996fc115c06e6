/** Beside the chat: why it came here, the shopper's page, orders, what was tried, tags, notes, earlier conversations. */

import { h } from "../dom.ts";
import { attempt } from "../staff/feedback.ts";
import { t } from "../staff/words.ts";
import { server, type Brief, type Conversation, type Order } from "./model.ts";
import { ago, decision, outcome, reason, shopperName, status } from "./say.ts";

export class Context {
  readonly view = h("aside", { class: "desk-context", "aria-label": t("顾客资料", "About the shopper") });

  constructor(
    private readonly open: (id: string) => void,
    private readonly back: () => void,
  ) {}

  show(conversation: Conversation | null): void {
    if (!conversation) {
      this.view.replaceChildren(h("p", { class: "hint" }, t("选一个会话，这里显示它的来龙去脉。", "Choose a conversation to see its story here.")));
      return;
    }
    const { brief, shopper, orders, history } = conversation;
    const back = h("button", { type: "button", class: "quiet only-phone", onclick: this.back }, t("‹ 会话", "‹ Chat"));
    this.view.replaceChildren(
      ...[
        back,
        this.why(brief),
        brief.ticket && this.ticket(brief),
        this.tags(conversation),
        orders.length > 0 && this.orders(orders),
        brief.facts.length > 0 && orders.length === 0 && this.facts(brief),
        this.shopper(shopper),
        brief.tried.length > 0 && this.tried(brief),
        brief.passages.length > 0 && this.passages(brief),
        history.length > 0 && this.history(conversation),
      ].filter((part): part is HTMLElement => part instanceof HTMLElement),
    );
  }

  private part(title: string, ...children: (Node | null)[]): HTMLElement {
    return h("section", { class: "desk-part" }, h("h2", {}, title), ...children);
  }

  private why(brief: Brief): HTMLElement {
    const mood = brief.emotion === "angry" && brief.reason !== "anger" ? h("span", { class: "badge bad" }, t("情绪激动", "Upset")) : null;
    const why = brief.reason ? h("span", { class: brief.reason === "anger" ? "badge bad" : "badge" }, reason(brief.reason)) : null;
    return this.part(t("一眼看懂", "At a glance"), ...brief.summary.map((line) => h("p", { class: "clip" }, line)), h("p", { class: "row" }, why, mood));
  }

  private ticket(brief: Brief): HTMLElement {
    const { ticket, contact, text } = brief.ticket!;
    const way = contact.includes("@") ? `mailto:${contact}` : `tel:${contact.replace(/[^+\d]/g, "")}`;
    return this.part(t("留言", "Message left"), h("p", {}, h("span", { class: "badge info" }, ticket), " ", h("a", { href: way }, contact)), h("p", { class: "prose" }, text));
  }

  private tags(conversation: Conversation): HTMLElement {
    const input = h("input", { "aria-label": t("标签", "Tags"), placeholder: t("加标签，回车保存", "Add a tag, Enter keeps it") });
    const tags = conversation.case?.tags ?? [];
    const save = (wanted: string[]) => attempt(async () => void (await server.act(conversation.id, "tags", { tags: wanted })), input);
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !input.value.trim()) return;
      event.preventDefault();
      void save([...tags, input.value.trim()]);
    });
    const chips = h("div", { class: "chips" });
    for (const tag of tags) {
      const label = t(`去掉标签 ${tag}`, `Remove tag ${tag}`);
      chips.append(h("button", { type: "button", class: "chip", "aria-label": label, onclick: () => void save(tags.filter((other) => other !== tag)) }, `#${tag} ×`));
    }
    return this.part(t("标签", "Tags"), chips, input);
  }

  private orders(orders: Order[]): HTMLElement {
    const cards = orders.map((order) => {
      const last = order.tracking[order.tracking.length - 1];
      const items = order.items.map((item) => h("li", {}, `${item.sku} × ${item.qty}`, h("small", {}, ` ${item.price}`)));
      return h(
        "article",
        { class: "desk-order" },
        h("p", { class: "line" }, h("strong", { class: "mono" }, order.order_id), h("span", { class: "badge info" }, order.status)),
        h("ul", {}, ...items),
        order.tracking_no ? h("p", { class: "hint" }, `${order.carrier} ${order.tracking_no}`) : null,
        last ? h("p", { class: "hint" }, `${last.time.slice(0, 16).replace("T", " ")} · ${last.desc}`) : null,
        h("p", { class: "hint" }, [order.created_at.slice(0, 10), order.address_city].filter(Boolean).join(" · ")),
      );
    });
    return this.part(t("订单", "Orders"), ...cards);
  }

  private facts(brief: Brief): HTMLElement {
    const rows = h("dl", { class: "desk-facts" });
    for (const fact of brief.facts) rows.append(h("dt", {}, `${fact.subject} ${fact.name}`), h("dd", {}, fact.value));
    return this.part(t("查到的事实", "Facts looked up"), rows);
  }

  private shopper(shopper: Conversation["shopper"]): HTMLElement {
    const page = /^https?:\/\//.test(shopper.page)
      ? h("a", { href: shopper.page, target: "_blank", rel: "noopener noreferrer" }, shopper.page)
      : h("span", {}, shopper.page || "—");
    const rows = h("dl", { class: "desk-facts" }, h("dt", {}, t("所在页面", "Page")), h("dd", {}, page));
    rows.append(h("dt", {}, t("语言", "Language")), h("dd", {}, shopper.locale || "—"));
    if (shopper.customer_id) rows.append(h("dt", {}, t("客户号", "Customer")), h("dd", {}, shopper.customer_id));
    rows.append(h("dt", {}, t("开始于", "Began")), h("dd", {}, new Date(shopper.started_at).toLocaleString()));
    return this.part(t("顾客", "Shopper"), rows);
  }

  private tried(brief: Brief): HTMLElement {
    const list = brief.tried.map((turn) =>
      h("details", {}, h("summary", {}, h("span", { class: "clip" }, turn.question || "…"), h("small", {}, turn.decision === "answer" ? `${decision(turn.decision)} ${Math.round(turn.confidence * 100)}%` : decision(turn.decision))), h("p", { class: "prose" }, turn.text)),
    );
    return this.part(t("机器人试过", "What the bot tried"), ...list);
  }

  private passages(brief: Brief): HTMLElement {
    const list = h("ul", { class: "desk-sources" });
    for (const passage of brief.passages) {
      list.append(h("li", {}, h("span", { class: "source" }, `${passage.path.split("/").pop()} · ${passage.locator}`), h("small", {}, `${Math.round(passage.confidence * 100)}%`)));
    }
    return this.part(t("找到的资料", "Passages found"), list);
  }

  private history(conversation: Conversation): HTMLElement {
    const list = h("ul");
    for (const row of conversation.history) {
      const what = row.outcome ? outcome(row.outcome) : status(row.status);
      list.append(h("li", {}, h("button", { type: "button", class: "link", onclick: () => this.open(row.conversation_id) }, `${shopperName(row.conversation_id)} · ${what} · ${ago(row.updated_at)}`)));
    }
    return this.part(t("以前的会话", "Earlier conversations"), list);
  }
}
