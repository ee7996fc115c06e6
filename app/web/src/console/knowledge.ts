/** The knowledge: a tree of documents, their rows with where they stand in the source, edited in place or in bulk. */

import { h } from "../dom.ts";
import { shop } from "../staff/api.ts";
import { attempt } from "../staff/feedback.ts";
import { count, t } from "../staff/words.ts";
import { bulkBar } from "./bulk.ts";
import { conflictsView } from "./conflicts.ts";
import { draftBar } from "./drafts.ts";
import { kindName } from "./kinds.ts";
import { newRow, rowEditor } from "./row_editor.ts";
import { type DocumentLine, type FullRow, type Row, rows, type Tree } from "./rows.ts";

const PAGE = 30;

interface Wanted {
  path: string;
  q: string;
  state: string;
}

/** The page. */
export function knowledgePage(root: HTMLElement): void {
  new KnowledgePage(root).start();
}

class KnowledgePage {
  private tree: Tree = { release: null, live: null, counts: { chunks: 0, pending: 0, conflicts: 0, edited: 0 }, documents: [] };
  private wanted: Wanted;
  private readonly top = h("div", {});
  private readonly job = h("div", { class: "section" });
  private readonly clash = h("div", {});
  private readonly documents = h("nav", { class: "card tree", "aria-label": t("文档", "Documents") });
  private readonly list = h("ul", { class: "rows" });
  private readonly head = h("div", { class: "card-head" });
  private readonly more = h("button", { type: "button", class: "wide" }, t("再看一些", "Show more"));
  private readonly fresh = h("div", {});
  private readonly bulk = bulkBar(() => void this.reload());
  private shown: Row[] = [];

  constructor(private readonly root: HTMLElement) {
    const asked = new URLSearchParams(location.search);
    this.wanted = { path: asked.get("path") ?? "", q: asked.get("q") ?? "", state: asked.get("state") ?? "" };
  }

  start(): void {
    const search = h("input", { type: "search", value: this.wanted.q, placeholder: t("找问题、答案、SKU…", "Search questions, answers, SKUs…"), "aria-label": t("搜索", "Search") });
    let waiting = 0;
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = window.setTimeout(() => this.narrow({ q: search.value.trim() }), 250);
    });
    const add = h("button", { type: "button", class: "primary" }, t("新问答", "New question"));
    add.addEventListener("click", () => this.addRow());
    this.more.addEventListener("click", () => attempt(() => this.load(this.shown.length), this.more));
    const save = h("a", { class: "button", href: `/v1/knowledge/export?${new URLSearchParams({ shop })}`, download: true }, t("导出", "Export"));
    const right = h("section", { class: "card" }, this.head, this.fresh, this.bulk.element, this.list, this.more);
    this.root.replaceChildren(this.top, this.job, this.clash, h("div", { class: "row finder" }, h("div", { class: "grow" }, search), this.stateFilter(), save, add), h("div", { class: "split section" }, this.documents, right));
    const question = new URLSearchParams(location.search).get("new");
    void this.reload().then(() => question && this.addRow(question));
  }

  private stateFilter(): HTMLElement {
    const options: [string, string][] = [
      ["", t("全部", "All")],
      ["pending", t("草稿", "Drafts")],
      ["edited", t("改过的", "Edited")],
      ["added", t("后台新增", "Added here")],
      ["disabled", t("已停用", "Disabled")],
      ["conflict", t("有冲突", "In conflict")],
    ];
    const select = h("select", { "aria-label": t("状态", "State") }, ...options.map(([value, name]) => h("option", { value }, name)));
    select.value = this.wanted.state;
    select.addEventListener("change", () => this.narrow({ state: select.value }));
    return h("div", { class: "state-filter" }, select);
  }

  private narrow(some: Partial<Wanted>): void {
    this.wanted = { ...this.wanted, ...some };
    const kept = Object.entries({ shop: new URLSearchParams(location.search).get("shop") ?? "", ...this.wanted }).filter(([, value]) => value);
    history.replaceState(null, "", `/console/knowledge?${new URLSearchParams(kept)}`);
    this.showTree();
    void attempt(() => this.load(0));
  }

  private async reload(): Promise<void> {
    await attempt(async () => {
      this.tree = await rows.tree();
      this.top.replaceChildren(draftBar(this.tree.counts, this.job, () => void this.reload()));
      const clashing = this.tree.counts.conflicts ? (await rows.conflicts()).conflicts : [];
      this.clash.replaceChildren(...(clashing.length ? [conflictsView(clashing, () => void this.reload())] : []));
      this.showTree();
      await this.load(0);
    });
  }

  private showTree(): void {
    const folders = new Map<string, DocumentLine[]>();
    for (const document of this.tree.documents) {
      const folder = document.path.split("/").slice(0, -1).join("/");
      folders.set(folder, [...(folders.get(folder) ?? []), document]);
    }
    const all = this.leaf("", t("全部资料", "Everything"), this.tree.counts.chunks);
    const parts = [...folders].map(([folder, documents]) => h("div", {}, h("p", { class: "folder" }, folderName(folder)), h("ul", {}, ...documents.map((document) => h("li", {}, this.leaf(document.path, document.name, document.chunks, document))))));
    this.documents.replaceChildren(h("details", { class: "tree-fold", open: matchMedia("(min-width: 861px)").matches }, h("summary", {}, t("文档", "Documents")), all, ...parts));
  }

  private leaf(path: string, name: string, chunks: number, document?: DocumentLine): HTMLElement {
    const marks = document ? [document.pending ? h("span", { class: "badge info" }, t(`${document.pending} 草稿`, `${document.pending} draft${document.pending > 1 ? "s" : ""}`)) : "", document.conflicts ? h("span", { class: "badge bad" }, t("冲突", "conflict")) : "", document.disabled ? h("span", { class: "badge" }, t(`停用 ${document.disabled}`, `${document.disabled} off`)) : ""] : [];
    return h("button", { type: "button", class: "leaf", "aria-current": this.wanted.path === path ? "true" : false, title: path, onclick: () => this.narrow({ path }) }, h("span", { class: "leaf-name" }, name), ...marks, h("small", {}, count(chunks)));
  }

  private async load(offset: number): Promise<void> {
    const { total, chunks } = await rows.list({ ...this.wanted, offset, limit: PAGE });
    // What somebody is typing into an open row stays, whatever is searched for meanwhile.
    const typed = [...this.list.children].filter((item): item is HTMLElement => item instanceof HTMLElement && item.dataset.typed !== undefined);
    const kept = new Set(typed.map((item) => item.dataset.key));
    if (!offset) {
      this.shown = [];
      for (const item of [...this.list.children]) if (!typed.includes(item as HTMLElement)) item.remove();
      this.bulk.clear();
    }
    this.shown.push(...chunks);
    this.list.append(...chunks.filter((row) => !kept.has(row.key)).map((row) => this.line(row)));
    this.more.hidden = this.shown.length >= total;
    const everything = h("input", { type: "checkbox", "aria-label": t("选中列出的全部", "Select all that are listed") });
    everything.addEventListener("change", () => {
      for (const box of this.list.querySelectorAll<HTMLInputElement>("input[data-pick]")) if (box.checked !== everything.checked) box.click();
    });
    const name = this.wanted.path ? this.wanted.path.split("/").pop() ?? "" : t("全部资料", "Everything");
    this.head.replaceChildren(h("label", { class: "check" }, everything, h("h2", {}, name)), h("small", {}, t(`${count(total)} 条`, `${count(total)} entries`)));
    if (!total && !typed.length) this.list.replaceChildren(h("li", { class: "empty" }, h("p", {}, this.wanted.q ? t("没有找到。换个说法，或清掉筛选。", "Nothing fits. Try other words, or clear the filter.") : t("这里还没有内容。", "There is nothing here yet."))));
  }

  private line(row: Row): HTMLElement {
    const box = h("input", { type: "checkbox", "data-pick": true, "aria-label": t("选中", "Select") });
    box.addEventListener("change", () => this.bulk.pick(row, box.checked));
    const open = h(
      "button",
      { type: "button", class: "row-line", "aria-expanded": "false" },
      h("span", { class: "row-title" }, h("strong", {}, row.title), ...badges(row)),
      h("span", { class: "clip row-text" }, row.text),
      h("span", { class: "source" }, [this.wanted.path ? "" : row.path, row.kind === "faq" && row.row ? t(`第 ${row.row} 行`, `row ${row.row}`) : row.locator].filter(Boolean).join(" · ")),
    );
    const place = h("div", { class: "row-place" });
    const item = h("li", { class: `row-item ${row.state}`, "data-key": row.key }, h("div", { class: "row-bar" }, box, open), place);
    place.addEventListener("input", () => (item.dataset.typed = ""));
    open.addEventListener("click", () => (place.childElementCount ? this.shut(place, open) : void this.open(row, item, place, open)));
    return item;
  }

  private shut(place: HTMLElement, open: HTMLElement): void {
    place.replaceChildren();
    delete place.parentElement?.dataset.typed;
    open.setAttribute("aria-expanded", "false");
    open.focus();
  }

  private async open(row: Row, item: HTMLElement, place: HTMLElement, open: HTMLElement): Promise<void> {
    await attempt(async () => {
      const full = await rows.one(row.key);
      const sections = this.tree.documents.flatMap((document) => document.sections);
      // What is undone from its note comes back here after the line has been drawn anew.
      let current = item;
      const saved = (now: FullRow) => {
        const fresh = this.line(now);
        current.replaceWith(fresh);
        current = fresh;
        fresh.querySelector<HTMLElement>(".row-line")?.focus();
        void this.refreshCounts();
      };
      place.replaceChildren(rowEditor(full, [...new Set(sections)], saved, () => this.shut(place, open)));
      open.setAttribute("aria-expanded", "true");
      place.querySelector<HTMLElement>("input, textarea")?.focus();
    }, open);
  }

  private async refreshCounts(): Promise<void> {
    this.tree = await rows.tree();
    this.top.replaceChildren(draftBar(this.tree.counts, this.job, () => void this.reload()));
    this.showTree();
  }

  private addRow(question = ""): void {
    const sections = [...new Set(this.tree.documents.flatMap((document) => document.sections))];
    const shut = () => this.fresh.replaceChildren();
    this.fresh.replaceChildren(newRow(sections, question, () => (shut(), void this.reload()), shut));
    this.fresh.querySelector<HTMLElement>(question ? "textarea" : "input")?.focus();
  }
}

function badges(row: Row): HTMLElement[] {
  const found: HTMLElement[] = [];
  if (row.kind !== "faq") found.push(h("span", { class: "badge" }, kindName(row.kind)));
  if (row.conflict) found.push(h("span", { class: "badge bad" }, t("冲突", "conflict")));
  if (row.state === "disabled") found.push(h("span", { class: "badge" }, t("停用", "disabled")));
  if (row.state === "added") found.push(h("span", { class: "badge good" }, t("后台新增", "added here")));
  if (row.state === "edited") found.push(h("span", { class: "badge info" }, t("改过", "edited")));
  if (row.pending) found.push(h("span", { class: "badge warn" }, t("草稿", "draft")));
  if (row.valid_from || row.valid_until) found.push(h("span", { class: "badge" }, dates(row)));
  return found;
}

function dates(row: Row): string {
  const day = (iso: string | null) => (iso ? new Date(iso).toLocaleDateString() : "");
  return `${day(row.valid_from)} – ${day(row.valid_until)}`;
}

function folderName(folder: string): string {
  if (folder === "@uploads" || folder.startsWith("@uploads/")) return t("上传的", "Uploaded") + folder.slice(8);
  if (folder === "@console") return t("后台新增的", "Added in the console");
  return folder || t("店铺文件夹", "Shop folder");
}
