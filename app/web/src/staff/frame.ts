/** What every staff page does: the menu on a phone, the switch of shops, the one-time link. */

/** Wire the frame. Called once a page. */
export function frame(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-auto-submit]")) {
    form.addEventListener("change", () => form.requestSubmit());
  }
  const menu = document.querySelector<HTMLButtonElement>("[data-open-menu]");
  const side = document.querySelector<HTMLElement>(".side");
  if (menu && side) {
    const toggle = (open: boolean) => {
      document.body.classList.toggle("menu-open", open);
      menu.setAttribute("aria-expanded", String(open));
      if (open) side.querySelector<HTMLElement>(".nav a")?.focus();
      else menu.focus();
    };
    menu.addEventListener("click", () => toggle(!document.body.classList.contains("menu-open")));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && document.body.classList.contains("menu-open")) toggle(false);
    });
    document.getElementById("main")?.addEventListener("click", () => {
      if (document.body.classList.contains("menu-open")) toggle(false);
    });
  }
  const token = document.querySelector<HTMLInputElement>("input[data-token]");
  if (token) {
    token.value = location.hash.slice(1);
    // A redirect keeps the fragment of the address it came from: the link survives a change of language.
    for (const form of document.querySelectorAll<HTMLFormElement>("form[action='/console/language']")) {
      form.action += location.hash;
    }
  }
}
