/** A file in the conversation: a picture is shown, anything else is a name to save it by. */

import { h, icon } from "./dom.ts";

export function fileView(name: string, type: string, load: () => Promise<Blob>): HTMLElement {
  const link = h("a", { class: "file", href: "#", download: name }, icon("clip"), h("span", {}, name));
  const open = async () => (link.href = URL.createObjectURL(await load()));
  link.addEventListener("click", (event) => {
    if (link.href.startsWith("blob:")) return;
    event.preventDefault();
    open().then(() => link.click(), () => undefined);
  });
  if (type.startsWith("image/")) {
    const show = async () => {
      // A page whose own policy forbids such pictures still has the name to save it by.
      const picture = h("img", { alt: name, onerror: () => picture.remove() });
      picture.src = await open();
      link.prepend(picture);
    };
    show().catch(() => undefined);
  }
  return link;
}
