// The keys of the board; those that lead elsewhere are the page's own.
import { drawer, mayMove } from "./parts.js";
import { close, open } from "./drawer.js";
import { across, firstCard, focus, here, step } from "./focus.js";
import { act, reorder, shift } from "./moves.js";
import { chooseOwner } from "./owner.js";
import { askAbout } from "./asking.js";
import { hand } from "./place.js";

const keys = {
  j: (card) => step(card, 1),
  ArrowDown: (card) => step(card, 1),
  k: (card) => step(card, -1),
  ArrowUp: (card) => step(card, -1),
  l: (card) => across(card, 1),
  ArrowRight: (card) => across(card, 1),
  h: (card) => across(card, -1),
  ArrowLeft: (card) => across(card, -1),
  "]": (card) => mayMove && shift(card, 1),
  "[": (card) => mayMove && shift(card, -1),
  J: (card) => reorder(card, 1),
  K: (card) => reorder(card, -1),
  e: (card) => open(card.dataset.task).then(() => sheet.edit(card.dataset.task)),
  c: (card) => open(card.dataset.task).then(sheet.comment),
  o: (card) => chooseOwner(card),
  m: (card) => askAbout(card),
  a: (card) => act(card, "approve"),
  r: (card) => act(card, "request-changes"),
};

document.addEventListener("keydown", (event) => {
  if (hand.number !== null) return;
  if (!app.plainKey(event)) return;
  if (event.key === "Escape" && drawer.firstElementChild) {
    if (event.target.closest("details.editor[open]")) return;
    event.preventDefault();
    close();
    return;
  }
  if (event.key === "n") {
    event.preventDefault();
    app.open(document.getElementById("new-task"));
    return;
  }
  const key = keys[event.key];
  const card = here();
  if (!key || (!card && drawer.contains(document.activeElement))) return;
  if (!card && !["j", "k", "h", "l", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"].includes(event.key)) return;
  if (!card && document.activeElement !== document.body && event.key.startsWith("Arrow")) return;
  event.preventDefault();
  if (card) key(card);
  else focus(firstCard());
});
