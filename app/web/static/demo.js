// Connects the storefront to the chat: anything with data-ask opens it and asks.
const chat = document.querySelector("xiaoer-chat");

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-ask]");
  if (button) chat.ask(button.dataset.ask);
});

document.querySelector("[data-ask-form]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.elements.q;
  const text = input.value.trim();
  if (!text) return chat.show();
  input.value = "";
  chat.ask(text);
});

// On a wide screen the page makes room for the open chat instead of lying under it.
chat.addEventListener("xiaoer-open", () => document.body.classList.add("chat-docked"));
chat.addEventListener("xiaoer-close", () => document.body.classList.remove("chat-docked"));
