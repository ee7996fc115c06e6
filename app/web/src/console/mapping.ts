/** Saying what the columns of a table hold, for tables that nobody recognised. */

import { h } from "../dom.ts";
import { get, post } from "../staff/api.ts";
import { ask, attempt } from "../staff/feedback.ts";
import { count, t } from "../staff/words.ts";
import type { Job } from "./jobs.ts";

interface Table {
  sheet: string;
  header_row: number;
  names: string[];
  rows: number;
  sample: string[][];
  read_as: string;
  by_rule: boolean;
  guess: string;
  columns: Record<string, string>;
}

interface Tables {
  path: string;
  tables: Table[];
  meanings: Record<string, string[]>;
}

interface Said {
  sheet: string;
  header_row: number;
  kind: string;
  columns: Record<string, string>;
}

/** Whether a file may hold tables to be mapped. */
export function isTable(path: string): boolean {
  return /\.(csv|tsv|xlsx|xlsm)$/i.test(path);
}

/** Asks what a file's tables hold; resolves to the job that reads them again, or null when it was left. */
export async function mapColumns(path: string): Promise<Job | null> {
  const found = await get<Tables>("/v1/knowledge/uploads/tables", { path });
  const said = await ask<Said>(t(`${path}：每一列是什么？`, `${path}: what does each column hold?`), (close) => found.tables.map((table) => tableForm(table, found.meanings, close)), true);
  return said ? post<Job>("/v1/knowledge/uploads/tables", { path, ...said }) : null;
}

function kindName(kind: string): string {
  return ({ faq: t("问答", "Questions and answers"), product: t("商品", "Products"), text: t("普通文字", "Plain text"), ignore: t("不读", "Don't read it") } as Record<string, string>)[kind] ?? kind;
}

function meaningName(meaning: string): string {
  const names: Record<string, string> = {
    question: t("问题", "Question"),
    answer: t("答案", "Answer"),
    similar: t("相似问法", "Other phrasings"),
    section: t("分类", "Section"),
    related: t("关联问题", "Related questions"),
    valid_from: t("生效日期", "Valid from"),
    valid_until: t("失效日期", "Valid until"),
    sku: t("商品编码（SKU）", "SKU"),
    name: t("名称", "Name"),
    price: t("价格", "Price"),
    handle: t("同款标识", "Handle (same product)"),
  };
  return names[meaning] ?? meaning;
}

function tableForm(table: Table, meanings: Record<string, string[]>, close: (said: Said) => void): HTMLElement {
  const kind = h("select", {}, ...["faq", "product", "text", "ignore"].map((name) => h("option", { value: name }, kindName(name))));
  kind.value = table.read_as === "text" && !table.by_rule ? table.guess : table.read_as;
  const heads = h("tr", {});
  const choices = new Map<number, HTMLSelectElement>();
  const draw = () => {
    const known = meanings[kind.value];
    choices.clear();
    heads.replaceChildren(
      ...table.names.map((name, at) => {
        if (!known) return h("th", {}, name);
        const own = kind.value === "product" ? [["=", t(`属性“${name}”`, `Attribute “${name}”`)]] : [];
        const select = h("select", { "aria-label": name }, h("option", { value: "" }, t("不用", "Leave out")), ...own.map(([value, text]) => h("option", { value: value ?? "" }, text ?? "")), ...known.map((meaning) => h("option", { value: meaning }, meaningName(meaning))));
        const meant = Object.entries(table.columns).find(([, header]) => header === name)?.[0] ?? "";
        select.value = known.includes(meant) ? meant : kind.value === "product" && name ? "=" : "";
        choices.set(at, select);
        return h("th", {}, h("span", {}, name || "—"), select);
      }),
    );
  };
  kind.addEventListener("change", draw);
  draw();
  const read = (): Said => {
    const columns: Record<string, string> = {};
    for (const [at, select] of choices) {
      const header = table.names[at] ?? "";
      if (select.value === "=") columns[header] = header;
      else if (select.value) columns[select.value] = header;
    }
    return { sheet: table.sheet, header_row: table.header_row, kind: kind.value, columns };
  };
  const title = [table.sheet, t(`${count(table.rows)} 行`, `${count(table.rows)} rows`)].filter(Boolean).join(" · ");
  return h(
    "form",
    { class: "stack mapping", onsubmit: (event: Event) => (event.preventDefault(), close(read())) },
    h("div", { class: "pair" }, h("label", {}, t("这张表是", "This table holds"), kind), h("p", { class: "hint align-end" }, title)),
    h("div", { class: "scroll flat", tabindex: "0", role: "region", "aria-label": title }, h("table", {}, h("thead", {}, heads), h("tbody", {}, ...table.sample.map((row) => h("tr", {}, ...table.names.map((_, at) => h("td", {}, row[at] ?? ""))))))),
    h("div", { class: "acts" }, h("button", { class: "primary" }, t("就这样读", "Read it like this"))),
  );
}

/** A button that maps a file's columns; `read` is given the job. */
export function mapButton(path: string, read: (job: Job) => Promise<unknown>): HTMLElement {
  const button = h("button", { type: "button", class: "small", "aria-label": `${t("列的含义", "Columns")} ${path}` }, t("列的含义", "Columns"));
  button.addEventListener("click", () =>
    attempt(async () => {
      const job = await mapColumns(path);
      if (job) await read(job);
    }, button),
  );
  return button;
}
