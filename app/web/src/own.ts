/** One message of the shopper's, and what went wrong with it. Its text or file is never lost. */

import { Problem } from "./client.ts";
import { h } from "./dom.ts";
import { fileView } from "./file.ts";
import type { Words } from "./words.ts";

export class OwnMessage {
  readonly view: HTMLElement;
  private failure: HTMLElement | null = null;

  constructor(
    readonly text: string,
    private readonly words: Words,
    readonly file?: File,
  ) {
    const name = h("span", { class: "hidden" }, `${words.you}: `);
    const said = file ? fileView(file.name, file.type, async () => file) : text;
    this.view = h("article", { class: "turn me" }, name, h("div", { class: "bubble", dir: "auto" }, said));
  }

  get failed(): boolean {
    return this.failure !== null;
  }

  clearFailure(): void {
    this.failure?.remove();
    this.failure = null;
  }

  /** Says why and offers to try again, unless that is no use; `expired` tells that only a new conversation can take it. */
  showFailure(error: unknown, retry: (expired: boolean) => void): void {
    const words = this.words;
    const problem = error instanceof Problem ? error : new Problem(0, "unreachable", "");
    const expired = problem.status === 401 || problem.status === 404;
    const slug = expired ? "not-allowed" : problem.slug;
    const text = words.problem[this.file && slug === "too-large" ? "unwanted-file" : slug] ?? words.problem.other!;
    const again = () => {
      this.clearFailure();
      retry(expired);
    };
    this.clearFailure();
    this.failure = h(
      "div",
      { class: "unsent", role: "alert" },
      h("span", {}, `${words.unsent}: ${text}`),
      this.file && problem.status > 410 && problem.status < 429 ? null : h("button", { type: "button", onclick: again }, words.retry),
    );
    this.view.append(this.failure);
  }
}
