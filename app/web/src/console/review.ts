/** Review: what went wrong comes back, what people answered becomes rows, and what changed is asked again. */

import { h } from "../dom.ts";
import { t } from "../staff/words.ts";
import { draftsView } from "./review_drafts.ts";
import { effectView } from "./review_effect.ts";
import { queueView } from "./review_queue.ts";

/** The page; the tab stands in the address, so that it can be linked to. */
export function reviewPage(root: HTMLElement): void {
  const place = h("div", {});
  const tabs: [string, string, (place: HTMLElement) => void][] = [
    ["queue", t("待看", "Queue"), queueView],
    ["drafts", t("拟好的问答", "Drafted rows"), draftsView],
    ["effect", t("改后效果", "Effect"), effectView],
  ];
  const bar = h("div", { class: "chips tabbar", role: "tablist" });
  const show = (name: string) => {
    const [chosen, , view] = tabs.find(([key]) => key === name) ?? tabs[0]!;
    for (const tab of bar.children) tab.setAttribute("aria-selected", String((tab as HTMLElement).dataset.tab === chosen));
    history.replaceState(null, "", `${location.pathname}${location.search}#${chosen}`);
    view(place);
  };
  bar.append(...tabs.map(([key, name]) => h("button", { type: "button", class: "chip", role: "tab", "data-tab": key, onclick: () => show(key) }, name)));
  root.replaceChildren(bar, place);
  show(location.hash.slice(1));
}
