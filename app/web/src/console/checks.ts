/** What the checks found in a release that waits. */

import { h } from "../dom.ts";

export function checksView(_release: number, _publish: HTMLButtonElement, _load: () => void): HTMLElement {
  return h("div", { hidden: true });
}
