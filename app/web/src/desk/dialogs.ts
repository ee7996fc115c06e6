/** What the desk asks in a dialog: transfer, close, canned replies, modes, one's own presence, the keys. */

import { h } from "../dom.ts";
import { ask, attempt } from "../staff/feedback.ts";
import { chinese, t } from "../staff/words.ts";
import type { Chat } from "./chat.ts";
import { server, type Canned, type ModeRule, type Person, type ShopMode } from "./model.ts";
import { mode as modeName, MODES, OUTCOMES } from "./say.ts";

/** A supervisor gives a conversation to somebody who is at the desk. */
export async function askAssign(chat: Chat, people: Person[]): Promise<void> {
  const chosen = await ask<string>(t("指派给", "Assign to"), (close) => [
    h("div", { class: "stack tight" }, ...people.map((person) => h("button", { type: "button", class: "wide", onclick: () => close(person.agent) }, `${person.name} (${person.holds}/${person.capacity})`))),
    people.length ? "" : h("p", { class: "hint" }, t("现在没有人在座。", "Nobody is at the desk now.")),
  ]);
  if (chosen) await chat.act("assign", { agent: chosen });
}

export async function askTransfer(chat: Chat, people: Person[], me: string): Promise<void> {
  const to = h("select", {}, h("option", { value: "" }, t("任何有空的同事", "Whoever is free")));
  for (const person of people.filter((p) => p.agent !== me)) to.append(h("option", { value: person.agent }, `${person.name} (${person.holds}/${person.capacity})`));
  const skill = h("input", { placeholder: t("如：售后、英文", "e.g. returns, German") });
  const note = h("textarea", {});
  const go = await ask<boolean>(t("转接会话", "Transfer"), (close) => [
    h("div", { class: "stack" }, h("label", {}, t("转给", "To"), to), h("label", {}, t("或需要的技能", "Or a skill it needs"), skill), h("label", {}, t("给同事的备注", "Note for the colleague"), note)),
    h("footer", {}, h("button", { type: "button", class: "primary", onclick: () => close(true) }, t("转接", "Transfer"))),
  ]);
  if (go) await chat.act("transfer", { agent: to.value, skill: skill.value.trim(), note: note.value.trim() });
}

export async function askOutcome(chat: Chat): Promise<boolean> {
  const chosen = await ask<string>(t("结束会话", "Close the conversation"), (close) => {
    const list = h("div", { class: "stack tight" });
    Object.entries(OUTCOMES).forEach(([code, [zh, en]], at) => {
      const button = h("button", { type: "button", class: at ? "wide" : "wide primary", onclick: () => close(code) }, t(zh, en), h("kbd", {}, String(at + 1)));
      list.append(button);
    });
    list.addEventListener("keydown", (event) => list.querySelectorAll("button")[Number(event.key) - 1]?.click());
    return [h("p", { class: "hint" }, t("结果会记在会话上，顾客会被请求评价。", "The outcome is kept with it, and the shopper is asked how it was.")), list];
  });
  if (!chosen) return false;
  await chat.act("close", { outcome: chosen });
  return true;
}

export async function askCanned(chat: Chat): Promise<void> {
  const shop = chat.conversation.shop;
  let replies = (await server.canned(shop, chat.id)).replies;
  const wanted = chat.conversation.shopper.locale || (chinese ? "zh" : "en");
  const textOf = (reply: Canned) => (wanted === "zh" ? reply.filled_zh || reply.filled_en : reply.filled_en || reply.filled_zh);
  const chosen = await ask<string>(t("快捷语", "Canned replies"), (close) => {
    const search = h("input", { type: "search", "aria-label": t("查找", "Search"), placeholder: t("缩写或词语", "Shortcut or words") });
    const list = h("ul", { class: "list desk-canned" });
    const fill = () => {
      const sought = search.value.toLowerCase().replace(/^\//, "");
      const fits = replies.filter((reply) => `${reply.shortcut} ${reply.title} ${textOf(reply)}`.toLowerCase().includes(sought));
      list.replaceChildren(
        ...fits.map((reply) => {
          const drop = h("button", { type: "button", class: "quiet", "aria-label": t(`删除 ${reply.title}`, `Delete ${reply.title}`) }, "×");
          drop.addEventListener("click", () => void attempt(async () => {
            await server.dropCanned(shop, reply.id);
            replies = replies.filter((other) => other.id !== reply.id);
            fill();
          }, drop));
          const use = h("button", { type: "button", class: "item", onclick: () => close(textOf(reply)) }, h("strong", {}, `/${reply.shortcut} · ${reply.title}`), h("span", { class: "clip" }, textOf(reply)));
          return h("li", {}, use, drop);
        }),
      );
      if (!fits.length) list.append(h("li", { class: "hint" }, t("还没有快捷语，在下面加一条。", "None yet; add one below.")));
    };
    search.addEventListener("input", fill);
    search.addEventListener("keydown", (event) => event.key === "Enter" && list.querySelector<HTMLButtonElement>("button.item")?.click());
    fill();
    return [search, list, cannedForm(shop, async () => {
      replies = (await server.canned(shop, chat.id)).replies;
      fill();
    })];
  }, true);
  if (chosen) chat.fill(chosen);
}

function cannedForm(shop: string, done: () => Promise<void>): HTMLElement {
  const field = (label: string, input: HTMLElement) => h("label", {}, label, input);
  const shortcut = h("input", { required: true, maxlength: "40" });
  const title = h("input", { required: true, maxlength: "100" });
  const zh = h("textarea", {});
  const en = h("textarea", {});
  const save = h("button", { class: "primary small" }, t("保存", "Save"));
  const form = h(
    "form",
    { class: "stack" },
    h("div", { class: "pair" }, field(t("缩写", "Shortcut"), shortcut), field(t("标题", "Title"), title)),
    h("div", { class: "pair" }, field("中文", zh), field("English", en)),
    h("p", { class: "hint" }, t("可用：{agent} {shop} {assistant} {order} {ticket} {question}", "You may use {agent} {shop} {assistant} {order} {ticket} {question}")),
    h("div", { class: "row end" }, save),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(async () => {
      await server.keepCanned({ shop, shortcut: shortcut.value.trim(), title: title.value.trim(), zh: zh.value.trim(), en: en.value.trim() });
      form.reset();
      await done();
    }, save);
  });
  return h("details", { class: "section" }, h("summary", {}, t("新增快捷语", "Add one")), form);
}

export async function askMode(now: ShopMode, maySet: boolean): Promise<void> {
  let wanted = now.mode;
  const when = (label: string, value: string) => {
    const select = h("select", {}, h("option", { value: "" }, t("同上", "The same")));
    for (const code of Object.keys(MODES)) select.append(h("option", { value: code, ...(code === value ? { selected: true } : {}) }, modeName(code)));
    return [h("label", {}, label, select), select] as const;
  };
  const rule = (fits: (rule: ModeRule) => boolean) => now.rules.find(fits);
  const away = rule((r) => r.service_hours === false);
  const busy = rule((r) => r.queue_at_least > 0);
  const about = rule((r) => Boolean(r.category));
  const timed = rule((r) => Boolean(r.schedule));
  const [awayLabel, awayMode] = when(t("下班和节假日", "Outside service hours and on holidays"), away?.mode ?? "");
  const [busyLabel, busyMode] = when(t("排队达到下面人数时", "When as many wait as below"), busy?.mode ?? "");
  const count = h("input", { type: "number", min: "1", max: "500", value: String(busy?.queue_at_least ?? 5) });
  const [aboutLabel, aboutMode] = when(t("对这类消息", "For messages of this kind"), about?.mode ?? "");
  const kind = h("input", { value: about?.category ?? "", placeholder: "order, complaint, medical, legal" });
  const [timedLabel, timedMode] = when(t("每天这个时段", "Every day at this time"), timed?.mode ?? "");
  const span = h("input", { value: timed?.schedule?.daily ?? "", placeholder: "22:00-09:00" });
  const save = h("button", { type: "button", class: "primary" }, t("立即生效", "Switch now"));
  await ask<boolean>(t(`接待模式 · ${now.shop}`, `How the bot works · ${now.shop}`), (close) => {
    const choices = h("fieldset", { class: "stack tight" }, h("legend", { class: "sr" }, t("模式", "Mode")));
    for (const [code, words] of Object.entries(MODES)) {
      const radio = h("input", { type: "radio", name: "mode", value: code, disabled: !maySet, ...(code === now.mode ? { checked: true } : {}), onchange: () => (wanted = code) });
      choices.append(h("label", { class: "check desk-mode" }, radio, h("span", {}, h("strong", {}, t(words[0], words[1])), h("small", {}, t(words[2], words[3])))));
    }
    save.addEventListener("click", () => void attempt(async () => {
      const rules = [
        aboutMode.value && kind.value.trim() && { mode: aboutMode.value, category: kind.value.trim() },
        timedMode.value && span.value.trim() && { mode: timedMode.value, schedule: { daily: span.value.trim() } },
        awayMode.value && { mode: awayMode.value, service_hours: false },
        busyMode.value && { mode: busyMode.value, queue_at_least: Number(count.value) || 1 },
      ].filter(Boolean);
      await server.mode({ shop: now.shop, mode: wanted, rules });
      close(true);
    }, save));
    const more = h("details", { class: "section", ...(now.rules.length ? { open: true } : {}) }, h("summary", {}, t("按时间、排队和内容切换", "By time, queue and kind")), h("div", { class: "stack" }, awayLabel, h("div", { class: "pair" }, timedLabel, h("label", {}, t("时段", "Hours"), span)), h("div", { class: "pair" }, busyLabel, h("label", {}, t("人数", "How many"), count)), h("div", { class: "pair" }, aboutLabel, h("label", {}, t("类别", "Kind"), kind))));
    const by = now.changed_by ? h("p", { class: "hint" }, t(`最近由 ${now.changed_by} 设定`, `Last set by ${now.changed_by}`)) : "";
    const foot = maySet ? h("footer", {}, save) : h("p", { class: "hint" }, t("只有主管能切换。", "Only a supervisor can switch it."));
    return [choices, ...(maySet ? [more] : []), by, foot];
  });
}

export async function askSelf(me: Person): Promise<void> {
  const capacity = h("input", { type: "number", min: "0", max: "50", value: String(me.capacity) });
  const languages = h("input", { value: me.languages.join(" "), placeholder: "zh en" });
  const skills = h("input", { value: me.skills.join(", "), placeholder: t("如：售后, 尺码", "e.g. returns, sizes") });
  const go = await ask<boolean>(t("我的接待设置", "How I work"), (close) => [
    h("div", { class: "stack" }, h("label", {}, t("同时接待几个", "Conversations at once"), capacity), h("label", {}, t("语言（空着接所有）", "Languages (empty = all)"), languages), h("label", {}, t("技能", "Skills"), skills)),
    h("footer", {}, h("button", { type: "button", class: "primary", onclick: () => close(true) }, t("保存", "Save"))),
  ]);
  if (!go) return;
  const words = (text: string, by: RegExp) => text.split(by).map((part) => part.trim()).filter(Boolean);
  await attempt(async () => void (await server.presence({ capacity: Number(capacity.value), languages: words(languages.value, /[\s,，]+/), skills: words(skills.value, /[,，]+/) })));
}

export const KEYS: [string, string, string][] = [
  ["Alt+N", "接下一个排队的会话", "Take the next one waiting"],
  ["Alt+1 … 9", "切到第几个会话", "Go to that conversation"],
  ["Alt+S", "原样发送草稿", "Send the draft as it is"],
  ["Alt+E", "把草稿放进输入框修改", "Edit the draft first"],
  ["Enter", "发送；Shift+Enter 换行", "Send; Shift+Enter breaks the line"],
  ["/ · Alt+K", "快捷语", "Canned replies"],
  ["Alt+I", "写备注", "Write a note"],
  ["Alt+T", "转接", "Transfer"],
  ["Alt+B", "交还机器人", "Hand back to the bot"],
  ["Alt+W", "结束会话", "Close the conversation"],
  ["Esc", "收起会话", "Put the conversation away"],
];

export function showKeys(): void {
  void ask<void>(t("快捷键", "Keys"), () => {
    const list = h("dl", { class: "desk-keys" });
    for (const [key, zh, en] of KEYS) list.append(h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(zh, en)));
    return [list];
  });
}
