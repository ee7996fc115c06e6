/** Accounts of those who work here. An admin adds them; a person comes in by a one-time link and sets a password. */

import { h } from "../dom.ts";
import { get, post, shop } from "../staff/api.ts";
import { ask, attempt, sure, toast } from "../staff/feedback.ts";
import { moment, t } from "../staff/words.ts";

interface Account {
  login: string;
  name: string;
  role: "admin" | "editor" | "supervisor" | "agent";
  shop: string;
  disabled: boolean;
  created_at: string;
}

const ROLES: [Account["role"], string, string, string, string][] = [
  ["editor", "编辑", "Editor", "管知识、发布、试问", "knowledge, releases, hit tests"],
  ["agent", "客服", "Agent", "在工作台接待顾客", "talks to shoppers at the desk"],
  ["supervisor", "主管", "Supervisor", "看全部会话，分派与质检", "sees every conversation, assigns and reviews"],
  ["admin", "管理员", "Admin", "全部权限，管理成员", "everything, and the accounts"],
];

function roleName(role: Account["role"]): string {
  const found = ROLES.find(([key]) => key === role);
  return found ? t(found[1], found[2]) : role;
}

/** The page. */
export function accountsPage(root: HTMLElement): void {
  const load = () => attempt(async () => root.replaceChildren(...view((await get<{ accounts: Account[] }>("/v1/staff")).accounts, load)));
  void load();
}

function view(accounts: Account[], load: () => void): HTMLElement[] {
  const add = h("button", { type: "button", class: "primary" }, t("添加成员", "Add somebody"));
  add.addEventListener("click", () => void addAccount(load));
  return [
    h("div", { class: "row end" }, add),
    h("div", { class: "people section" }, ...accounts.map((account) => card(account, load))),
  ];
}

function card(account: Account, load: () => void): HTMLElement {
  const path = `/v1/staff/${encodeURIComponent(account.login)}`;
  const link = h("button", { type: "button", class: "small" }, t("重置，给新链接", "Reset, new link"));
  link.addEventListener("click", async () => {
    if (await sure(t("重置这个账号？", "Reset this account?"), t(`${account.name}的旧密码和已登录的浏览器都会失效。`, `The old password of ${account.name} and every signed-in browser end.`), t("重置", "Reset"))) {
      await attempt(async () => showLink((await post<{ link: string }>(`${path}/link`)).link, account.name), link);
    }
  });
  const toggle = h("button", { type: "button", class: "small" }, account.disabled ? t("恢复", "Let in again") : t("停用", "Disable"));
  toggle.addEventListener("click", () => attempt(async () => (await post(`${path}/${account.disabled ? "enable" : "disable"}`), load()), toggle));
  return h(
    "section",
    { class: account.disabled ? "card person off" : "card person" },
    h("span", { class: "face", "aria-hidden": "true" }, [...account.name][0] ?? "?"),
    h("div", { class: "grow" }, h("h3", {}, account.name), h("p", { class: "hint" }, `${account.login} · ${account.shop || t("所有店铺", "every shop")} · ${t("加入于", "since")} ${moment(account.created_at)}`)),
    h("span", { class: account.disabled ? "badge bad" : "badge info" }, account.disabled ? t("已停用", "disabled") : roleName(account.role)),
    h("div", { class: "row" }, account.disabled ? "" : link, toggle),
  );
}

async function addAccount(load: () => void): Promise<void> {
  const login = h("input", { required: true, pattern: "[A-Za-z0-9][A-Za-z0-9._@+\\-]{1,63}", autocapitalize: "none", spellcheck: "false", placeholder: "lin" });
  const name = h("input", { maxlength: "100", placeholder: t("小林", "Lin") });
  const roles = ROLES.map(([key, zh, en, zhWhat, enWhat], at) => h("label", { class: "check role" }, h("input", { type: "radio", name: "role", value: key, checked: at === 0 }), h("span", {}, h("strong", {}, t(zh, en)), h("small", {}, ` ${t(zhWhat, enWhat)}`))));
  const only = h("input", { type: "checkbox", checked: true });
  const body = await ask<Record<string, string>>(t("添加成员", "Add somebody"), (close) => {
    const form = h("form", { class: "stack" }, h("div", { class: "pair" }, h("label", {}, t("登录名", "Login"), login), h("label", {}, t("称呼（顾客和同事看到的）", "Name (as shoppers and colleagues see it)"), name)), h("fieldset", { class: "stack tight" }, h("legend", {}, t("做什么", "Role")), ...roles), h("label", { class: "check" }, only, t(`只限本店（${shop}）`, `This shop only (${shop})`)), h("div", { class: "acts" }, h("button", { class: "primary" }, t("添加", "Add"))));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      close({ login: login.value, name: name.value, role: String(new FormData(form).get("role")), shop: only.checked ? shop : "" });
    });
    return [form];
  });
  if (!body) return;
  await attempt(async () => {
    const added = await post<Account & { link: string }>("/v1/staff", body);
    load();
    await showLink(added.link, added.name);
  });
}

async function showLink(path: string, name: string): Promise<void> {
  const text = location.origin + path;
  const field = h("input", { value: text, readonly: true, "aria-label": t("登录链接", "Sign-in link") });
  const copy = h("button", { type: "button", class: "primary" }, t("复制", "Copy"));
  copy.addEventListener("click", () => {
    field.select();
    void navigator.clipboard?.writeText(text).then(() => toast(t("已复制", "Copied")));
  });
  await ask(t(`给${name}的登录链接`, `The link for ${name}`), () => [h("p", {}, t("只能用一次，一小时内有效，只在这里显示这一次。请用可靠的方式发给本人，进来后自己设密码。", "It is good once, for an hour, and shown only now. Send it to the person safely; they set a password once they are in.")), h("div", { class: "row section" }, h("div", { class: "grow" }, field), copy)]);
}
