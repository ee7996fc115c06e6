/** A place to drop files on, or to choose them: a label around a file input, so keyboards and phones do well too. */

import { h } from "../dom.ts";

export function dropZone(title: string, hint: string, accept: string, take: (files: File[]) => void, many = false): HTMLElement {
  const input = h("input", { type: "file", class: "sr", ...(accept ? { accept } : {}), multiple: many });
  const zone = h("label", { class: "drop" }, input, icon(), h("strong", {}, title), h("span", {}, hint));
  const hand = (files: FileList | null | undefined) => {
    const list = [...(files ?? [])];
    if (list.length) take(many ? list : list.slice(0, 1));
  };
  input.addEventListener("change", () => {
    hand(input.files);
    input.value = "";
  });
  let depth = 0;
  zone.addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) zone.classList.remove("over");
  });
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    zone.classList.remove("over");
    hand(event.dataTransfer?.files);
  });
  return zone;
}

function icon(): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", "#i-upload");
  svg.append(use);
  return svg;
}
