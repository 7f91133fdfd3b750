// The dialog that gives a card to somebody.
import { cardOf, titleOf } from "./parts.js";
import { focus } from "./focus.js";
import { send } from "./moves.js";

export const ownerDialog = document.getElementById("owner-dialog");
export const ownerFind = document.getElementById("owner-find");
let owned = null;
export const chooseOwner = (card) => {
  if (!document.getElementById("new-task")) return;
  owned = card;
  ownerFind.value = "";
  showOwners();
  for (const item of ownerDialog.querySelectorAll("[data-owner]")) item.setAttribute("aria-current", String(item.dataset.owner === card.dataset.owner));
  app.open(ownerDialog);
};
export const showOwners = () => {
  const wanted = ownerFind.value.trim().toLowerCase();
  for (const item of ownerDialog.querySelectorAll("[data-owner]")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
};
ownerFind.addEventListener("input", showOwners);
ownerDialog.addEventListener("keydown", (event) => {
  const items = [...ownerDialog.querySelectorAll("[data-owner]:not([hidden])")];
  const at = items.indexOf(document.activeElement);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    items[(at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length]?.focus();
  } else if (event.key === "Enter" && event.target === ownerFind) {
    event.preventDefault();
    items[0]?.click();
  }
});
ownerDialog.addEventListener("click", (event) => {
  const item = event.target.closest("[data-owner]");
  if (!item || !owned) return;
  const card = owned;
  ownerDialog.close();
  send(card, "edit", { owner: item.dataset.owner, expected_version: card.dataset.version }).then((done) => {
    focus(cardOf(card.dataset.task), { quietly: true });
    if (done) app.announce(`${titleOf(card)}: owner ${item.dataset.owner || "nobody"}.`);
  });
});
