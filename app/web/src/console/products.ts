/** Products as a grid: every cell can be edited where it stands, and each table keeps its own columns. */

import { h } from "../dom.ts";
import { get, send } from "../staff/api.ts";
import { attempt, toast } from "../staff/feedback.ts";
import { count, t } from "../staff/words.ts";
import { draftBar } from "./drafts.ts";
import { rows } from "./rows.ts";

interface Product {
  key: string;
  version: string;
  sku: string;
  name: string;
  path: string;
  values: Record<string, string>;
  edited: string[];
  state: string;
  pending: boolean;
  conflict: boolean;
}

interface Grid {
  total: number;
  tables: { path: string; columns: string[] }[];
  columns: string[];
  rows: Product[];
}

const PAGE = 100;

/** The page. */
export function productsPage(root: HTMLElement): void {
  const bar = h("div", {});
  const job = h("div", { class: "section" });
  const place = h("div", { class: "section" });
  const told = h("small", {});
  const search = h("input", { type: "search", placeholder: t("找名称、SKU、属性…", "Search names, SKUs, values…"), "aria-label": t("搜索", "Search") });
  const more = h("button", { type: "button", class: "wide" }, t("再看一些", "Show more"));
  let shown = 0;
  let body: HTMLElement | null = null;
  let columns: string[] = [];
  const counts = async () => bar.replaceChildren(draftBar((await rows.tree()).counts, job, () => void load(0)));
  const load = (offset: number) =>
    attempt(async () => {
      const grid = await get<Grid>("/v1/knowledge/products", { q: search.value.trim(), offset, limit: PAGE });
      if (!offset || !body) {
        columns = grid.columns;
        body = h("tbody");
        const head = h("tr", {}, h("th", { scope: "col", class: "pin" }, "SKU"), ...columns.map((name) => h("th", { scope: "col" }, name)));
        place.replaceChildren(grid.total ? h("div", { class: "scroll grid-scroll", tabindex: "0", role: "region", "aria-label": t("商品表", "Products") }, h("table", { class: "product-grid" }, h("thead", {}, head), body)) : h("section", { class: "card empty" }, h("p", {}, t("没有商品。上传商品表（SKU、名称、价格…）就会出现在这里。", "No products. Upload a product table (SKU, name, price, …) and it appears here."))));
        shown = 0;
      }
      const into = body;
      const tables = new Map(grid.tables.map((table) => [table.path, new Set(table.columns)]));
      into.append(...grid.rows.map((product) => line(product, columns, tables.get(product.path) ?? new Set(columns), () => void counts())));
      shown += grid.rows.length;
      more.hidden = shown >= grid.total;
      told.textContent = t(`${count(grid.total)} 个商品 · 点一格就能改，回车保存`, `${count(grid.total)} products · press a cell to edit, Enter saves`);
      await counts();
    }, more);
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => void load(0), 250);
  });
  more.addEventListener("click", () => void load(shown));
  root.replaceChildren(bar, job, h("div", { class: "row finder apart" }, h("div", { class: "grow" }, search), told), place, h("div", { class: "section" }, more));
  void load(0);
}

function line(product: Product, columns: string[], own: Set<string>, saved: () => void): HTMLElement {
  const now = { ...product };
  const head = h("th", { scope: "row", class: "pin", title: product.name }, product.sku);
  const cells = columns.map((column) => {
    const cell = h("td", {});
    if (!own.has(column)) {
      cell.className = "none";
      return cell;
    }
    const input = h("input", { value: product.values[column] ?? "", "aria-label": `${product.sku} ${column}` });
    cell.append(input);
    cell.classList.toggle("edited", product.edited.includes(column));
    const back = () => (input.value = now.values[column] ?? "");
    const save = () => {
      const value = input.value.trim();
      if (value === (now.values[column] ?? "")) return;
      void attempt(async () => {
        try {
          const answer = await send<{ batch: string | null; rows: Product[] }>("PATCH", "/v1/knowledge/products", { cells: [{ key: now.key, version: now.version, column, value }] });
          const fresh = answer.rows.find((row) => row.key === now.key);
          if (fresh) Object.assign(now, fresh);
          cell.classList.add("edited");
          const undo = async () => {
            await rows.undo({ batch: answer.batch ?? "" });
            const again = await rows.one(now.key);
            Object.assign(now, { version: again.version, values: again.fields.values });
            back();
            cell.classList.remove("edited");
            saved();
          };
          toast(t(`${now.sku} · ${column} 改为 ${value || "（空）"}（草稿）`, `${now.sku} · ${column} is now ${value || "(empty)"} (draft)`), "good", answer.batch ? { label: t("撤销", "Undo"), run: () => void attempt(undo) } : undefined);
          saved();
        } catch (error) {
          back();
          throw error;
        }
      }, cell);
    };
    input.addEventListener("change", save);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") back();
      if (event.key === "Enter") {
        input.blur();
        move(cell, 1);
      }
    });
    return cell;
  });
  return h("tr", { class: product.state === "disabled" ? "disabled" : "" }, head, ...cells);
}

/** Enter goes to the cell below. */
function move(cell: HTMLElement, by: number): void {
  const row = cell.parentElement;
  const index = row ? [...row.children].indexOf(cell) : -1;
  const next = by > 0 ? row?.nextElementSibling : row?.previousElementSibling;
  (next?.children[index]?.querySelector("input") as HTMLInputElement | null)?.focus();
}
