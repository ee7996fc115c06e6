/** Where an answer was read: opens over the conversation, gives the focus back when it goes. */

import type { Citation } from "./client.ts";
import { h, icon } from "./dom.ts";
import type { Words } from "./words.ts";

/** `row 12 | question`, a heading path or an SKU, as a person would say it. */
export function friendlyLocator(locator: string, words: Words): string {
  const row = /^row\s+(\d+)\s*(?:\|\s*(.*))?$/is.exec(locator);
  if (row) return [words.row(row[1]!), row[2]].filter(Boolean).join(" · ");
  return locator.replace(/\s*>\s*/g, " › ");
}

export class SourceSheet {
  private close: (() => void) | null = null;

  constructor(
    private readonly panel: HTMLElement,
    private readonly behind: HTMLElement,
  ) {}

  get isOpen(): boolean {
    return this.close !== null;
  }

  show(number: number, citation: Citation, opener: HTMLElement, words: Words): void {
    this.hide();
    const parts = citation.path.split("/");
    const file = parts.pop() ?? citation.path;
    const locator = friendlyLocator(citation.locator, words);
    const title = h("h3", { tabindex: "-1" }, words.sourceTitle);
    const shut = h("button", { type: "button", class: "tool", "aria-label": words.shut, onclick: () => this.hide() }, icon("close"));
    const where = h(
      "div",
      {},
      h("p", {}, file + (locator ? ` · ${locator}` : "")),
      parts.length ? h("p", { class: "path" }, parts.join(" / ")) : null,
    );
    const sheet = h(
      "section",
      { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": words.source(number) },
      h("div", { class: "sheet-head" }, h("span", { class: "badge", "aria-hidden": "true" }, String(number)), title, shut),
      citation.quote ? h("blockquote", {}, citation.quote) : null,
      h("div", { class: "where" }, icon("page"), where),
    );
    const veil = h("div", { class: "veil", onclick: () => this.hide() });
    this.panel.append(veil, sheet);
    this.behind.inert = true;
    opener.setAttribute("aria-expanded", "true");
    title.focus({ preventScroll: true });
    this.close = () => {
      veil.remove();
      sheet.remove();
      this.behind.inert = false;
      opener.setAttribute("aria-expanded", "false");
      opener.focus({ preventScroll: true });
    };
  }

  hide(): void {
    const close = this.close;
    this.close = null;
    close?.();
  }
}
