// Asking about a card: its owner gets a message that names it.
import { base, page } from "./parts.js";

export const askAbout = (card) => {
  if (!page.hasAttribute("data-asks")) return;
  const owner = card.dataset.owner === app.me ? "" : card.dataset.owner;
  app.ask(`${base}messages/new/?${new URLSearchParams({ to: owner, task: card.dataset.task })}`);
};

document.addEventListener("click", (event) => {
  const face = event.target.closest(".card-foot .avatar[data-presence-host]");
  if (face) askAbout(face.closest(".card"));
});
