/** Builds DOM from data by properties and text nodes only: nothing a shop or a shopper writes is ever parsed as HTML. */

type Child = Node | string | null | undefined | false;

/** An element with attributes (`on…` keys are listeners, true sets an empty attribute) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | ((event: never) => void)> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  chat: "M4 5h16v11H9l-5 4z",
  close: "M6 6l12 12M18 6L6 18",
  down: "M6 9l6 6 6-6",
  send: "M12 19V5M6 11l6-6 6 6",
  fresh: "M12 5v14M5 12h14",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-5 4-7 8-7s7 2 8 7",
  yes: "M7 11v9H4v-9zM7 11l4-8c2 0 3 1 3 3l-1 4h6l-2 10H7",
  no: "M7 13V4H4v9zM7 13l4 8c2 0 3-1 3-3l-1-4h6L17 4H7",
  page: "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
  clip: "M20 11l-8 8a5 5 0 0 1-7-7l9-9a3 3 0 0 1 5 5l-9 9a1 1 0 0 1-2-2l8-8",
  spark: "M12 3l2 7 7 2-7 2-2 7-2-7-7-2 7-2z",
};

/** A line icon that takes the text's colour. */
export function icon(name: keyof typeof PATHS): SVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A row of questions to tap, named for screen readers. */
export function chips(label: string, texts: string[], pick: (text: string) => void, shown = false): HTMLElement {
  const list = h("ul", { class: "chips", "aria-label": label });
  for (const text of texts) list.append(h("li", {}, h("button", { type: "button", onclick: () => pick(text) }, text)));
  return shown ? h("div", { class: "chip-group" }, h("span", { class: "hint", "aria-hidden": "true" }, label), list) : list;
}

/** Tab goes round inside `scope`: what lies behind it cannot be seen. */
export function keepFocus(event: KeyboardEvent, root: ShadowRoot, scope: Element): void {
  const stops = [...scope.querySelectorAll<HTMLElement>("a, button, input:not([type=file]), textarea, [tabindex='0']")].filter(
    (stop) => stop.checkVisibility() && !(stop as HTMLButtonElement).disabled,
  );
  const now = root.activeElement as HTMLElement;
  const [first, last] = [stops[0], stops[stops.length - 1]];
  if (stops.includes(now) && now !== (event.shiftKey ? first : last)) return;
  event.preventDefault();
  (event.shiftKey ? last : first)?.focus();
}
