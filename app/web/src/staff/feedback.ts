/** What the page tells back: short notes at its edge, and questions before what cannot be undone at once. */

import { h } from "../dom.ts";
import { Problem } from "./api.ts";
import { t } from "./words.ts";

const SHOWN_MILLISECONDS = 7_000;

/** A note that goes by itself; with `act` it offers one thing to do, such as undoing. */
export function toast(text: string, kind: "good" | "bad" = "good", act?: { label: string; run: () => void }): void {
  const note = h("div", { class: `toast ${kind}` }, h("span", {}, text));
  if (act) note.append(h("button", { type: "button", class: "link", onclick: () => (note.remove(), act.run()) }, act.label));
  note.append(h("button", { type: "button", class: "toast-close", "aria-label": t("关闭", "Close"), onclick: () => note.remove() }, "×"));
  const place = document.getElementById("toasts");
  place?.append(note);
  while (place && place.childElementCount > 3) place.firstElementChild?.remove();
  if (kind === "good") setTimeout(() => note.remove(), act ? SHOWN_MILLISECONDS * 2 : SHOWN_MILLISECONDS);
}

/** Runs something and says so when it fails. `control` cannot be pressed twice meanwhile. */
export async function attempt(work: () => Promise<void>, control?: HTMLElement | null): Promise<void> {
  control?.setAttribute("aria-busy", "true");
  if (control instanceof HTMLButtonElement) control.disabled = true;
  try {
    await work();
  } catch (error) {
    toast(error instanceof Problem ? error.message : String(error), "bad");
    if (!(error instanceof Problem)) throw error;
  } finally {
    control?.removeAttribute("aria-busy");
    if (control instanceof HTMLButtonElement) control.disabled = false;
  }
}

/** A dialog; resolves to what `close` was called with, or null when it was left. */
export function ask<T>(title: string, build: (close: (value: T) => void) => (Node | string)[], wide = false): Promise<T | null> {
  return new Promise((resolve) => {
    let value: T | null = null;
    const dialog = h("dialog", { class: wide ? "dialog wide" : "dialog", "aria-label": title });
    const close = (chosen: T) => {
      value = chosen;
      dialog.close();
    };
    const leave = h("button", { type: "button", class: "dialog-close", "aria-label": t("关闭", "Close"), onclick: () => dialog.close() }, "×");
    dialog.append(h("header", {}, h("h2", {}, title), leave), ...build(close));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(value);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** "Do you really?" */
export async function sure(title: string, text: string, yes: string, danger = false): Promise<boolean> {
  const answer = await ask<boolean>(title, (close) => [
    h("p", {}, text),
    h(
      "footer",
      {},
      h("button", { type: "button", onclick: () => close(false) }, t("取消", "Cancel")),
      h("button", { type: "button", class: danger ? "danger" : "primary", onclick: () => close(true) }, yes),
    ),
  ]);
  return answer === true;
}
