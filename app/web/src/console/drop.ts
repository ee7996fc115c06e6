/** A place to drop files on, or to choose them: a label around a file input, so keyboards and phones do well too. */

import { h } from "../dom.ts";

/** A file and where it lies in what was dropped: its name, or its path below a dropped folder. */
export interface Dropped {
  file: File;
  path: string;
}

const MOST_FILES = 500;

export function dropZone(title: string, hint: string, accept: string, take: (files: Dropped[]) => void, many = false): HTMLElement {
  const input = h("input", { type: "file", class: "sr", ...(accept ? { accept } : {}), multiple: many });
  const zone = h("label", { class: "drop" }, input, icon(), h("strong", {}, title), h("span", {}, hint));
  const hand = (files: Dropped[]) => {
    if (files.length) take(many ? files : files.slice(0, 1));
  };
  input.addEventListener("change", () => {
    hand([...(input.files ?? [])].map((file) => ({ file, path: file.name })));
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
    const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
    if (!entries.length) return hand([...(event.dataTransfer?.files ?? [])].map((file) => ({ file, path: file.name })));
    void Promise.all(entries.map((entry) => filesIn(entry, ""))).then((found) => hand(found.flat().slice(0, MOST_FILES)));
  });
  return zone;
}

/** The files of a dropped entry; folders are walked, what begins with a dot is left out. */
async function filesIn(entry: FileSystemEntry, above: string): Promise<Dropped[]> {
  if (entry.name.startsWith(".")) return [];
  const path = above ? `${above}/${entry.name}` : entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, path }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Dropped[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length || found.length >= MOST_FILES) return found;
    for (const one of some) found.push(...(await filesIn(one, path)));
  }
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
