// Focus: one card at a time can be tabbed to, arrows go on from there.
import { cardsIn, columns, listOf, page, root } from "./parts.js";
let current = null;
export const here = () => document.activeElement?.closest?.(".card") || null;
export const rove = () => {
  const links = [...root().querySelectorAll(".card-link")];
  const chosen = links.find((link) => link.closest(".card").dataset.task === current) || links[0];
  for (const link of links) {
    const value = link === chosen ? "0" : "-1";
    if (link.getAttribute("tabindex") !== value) link.setAttribute("tabindex", value);
  }
};
export const focus = (card, { quietly = false } = {}) => {
  if (!card) return;
  current = card.dataset.task;
  rove();
  const link = card.querySelector(".card-link");
  link.focus({ preventScroll: quietly });
  if (!quietly) card.scrollIntoView({ block: "nearest", inline: "nearest" });
};
export const focusNear = (card) => focus(card.nextElementSibling?.matches(".card") ? card.nextElementSibling : card.previousElementSibling?.matches(".card") ? card.previousElementSibling : null, { quietly: true });
export const firstCard = () => root().querySelector(`.card[data-task="${CSS.escape(current || "")}"]`) || root().querySelector(".card");

page.addEventListener("focusin", () => {
  const card = here();
  if (card) {
    current = card.dataset.task;
    rove();
  }
});

export const step = (card, by) => {
  const cards = cardsIn(card.parentElement);
  focus(cards[cards.indexOf(card) + by]);
};
export const across = (card, by) => {
  const top = card.getBoundingClientRect().top;
  for (let index = columns.indexOf(card.dataset.in) + by; index >= 0 && index < columns.length; index += by) {
    const cards = cardsIn(listOf(columns[index]));
    if (!cards.length) continue;
    const nearness = (other) => Math.abs(other.getBoundingClientRect().top - top);
    focus(cards.reduce((best, other) => (nearness(other) < nearness(best) ? other : best)));
    return;
  }
};
