// Puts arriving cards in their place.
import { base, cardOf, cardsIn, columns, copyOf, isBefore, listOf, page, rankOf, root, titleOf, versionOf } from "./parts.js";
import { focus, focusNear, rove } from "./focus.js";

// Filters, as the address has them

export const filters = () => {
  const query = new URLSearchParams(location.pathname === base ? location.search : root().dataset.filtered);
  return { owner: query.get("owner") || "", label: query.get("label") || "", priority: query.get("priority") || "", text: (query.get("q") || "").trim().toLowerCase() };
};
export const matches = (card, { owner, label, priority, text } = filters()) => {
  const { dataset } = card;
  if (owner && (owner === "-" ? dataset.owner : dataset.owner.toLowerCase() !== owner.toLowerCase())) return false;
  if (label && !dataset.labels.toLowerCase().split("\n").includes(label.toLowerCase())) return false;
  if (priority && dataset.priority !== priority) return false;
  return !text || titleOf(card).toLowerCase().includes(text) || text.replace(/^#/, "") === dataset.task;
};

// Placing. What arrived since the page was printed is remembered, so that a column that loads
// later cannot bring back what has already moved on.

export const newest = new Map();
// Whoever waits for news of a card, by number.
export const awaited = new Map();
// The card in hand: its news waits until it is let go.
export const hand = { number: null, missed: false };

export const withinLoaded = (list, card) => {
  const more = list.querySelector(":scope > .show-more");
  if (!more) return true;
  const [rank, number] = more.dataset.after.split(",").map(Number);
  return !isBefore([rank, number], rankOf(card));
};

export const dress = (card) => {
  for (const acts of card.querySelectorAll("[data-only]")) {
    const { only, never } = acts.dataset;
    acts.hidden = Boolean((only && only !== app.me) || (never && never === app.me));
  }
  card.querySelector(".card-link")?.setAttribute("tabindex", "-1");
  app.refresh(card);
};

export const insert = (list, card) => {
  const place = rankOf(card);
  const next = cardsIn(list).find((other) => other !== card && isBefore(place, rankOf(other)));
  const anchor = next || list.querySelector(":scope > .show-more");
  if (card.parentElement === list && card.nextElementSibling === (anchor || null)) return;
  list.insertBefore(card, anchor || null);
};

export const place = (card, { force = false } = {}) => {
  const number = Number(card.dataset.task);
  card.removeAttribute("hx-swap-oob");
  const known = newest.get(number);
  if (!force && known && known.version > versionOf(card)) return;
  if (!force) newest.set(number, { version: versionOf(card), html: card.outerHTML });
  awaited.get(number)?.();
  if (hand.number === number) {
    hand.missed = true;
    return;
  }
  const old = cardOf(number);
  if (!force && old && versionOf(old) > versionOf(card)) return;
  const list = listOf(card.dataset.in);
  const shows = list && !list.hasAttribute("data-lazy") && matches(card) && withinLoaded(list, card);
  const focused = old?.contains(document.activeElement);
  if (!shows) {
    if (focused) focusNear(old);
    old?.remove();
    return;
  }
  const isNews = !old || versionOf(old) !== versionOf(card) || old.dataset.in !== card.dataset.in;
  dress(card);
  if (old && old.parentElement === list) old.replaceWith(card);
  else old?.remove();
  insert(list, card);
  if (isNews && !force) card.classList.add("is-news");
  if (focused) focus(card, { quietly: true });
};

const countOf = (column) => Number(document.getElementById(`count-${column}`).dataset.count);
// The side's number for this team would else wait for its next reading.
const countOpen = () => {
  const place = document.querySelector(".side-teams [aria-current] [data-open]");
  const open = ["todo", "in_progress", "review"].reduce((sum, column) => sum + countOf(column), 0);
  if (place) place.textContent = open ? String(open) : "";
};

export const settle = () => {
  for (const column of columns) {
    const list = listOf(column);
    const count = countOf(column);
    list.classList.toggle("is-empty", !list.hasAttribute("data-lazy") && !list.querySelector(".card"));
    const more = list.querySelector(":scope > .show-more");
    const left = count - cardsIn(list).length;
    if (more) more.textContent = root().dataset.filtered || left <= 0 ? "Show more" : `Show ${left} more`;
    const tab = document.querySelector(`[data-count-of="${column}"]`);
    if (tab) tab.textContent = String(count);
  }
  countOpen();
  rove();
};

page.addEventListener("animationend", (event) => event.target.classList?.remove("is-news"));

// A column that has just loaded: its cards may be older than what arrived meanwhile.
export const reconcile = (list) => {
  for (const card of cardsIn(list)) {
    const known = newest.get(Number(card.dataset.task));
    const twin = [...document.querySelectorAll(`#card-${card.dataset.task}`)].find((other) => other !== card);
    if ((known && known.version > versionOf(card)) || (twin && versionOf(twin) >= versionOf(card))) card.remove();
    else {
      twin?.remove();
      dress(card);
    }
  }
  for (const { html } of newest.values()) {
    const card = copyOf(html);
    if (card.dataset.in === list.dataset.list && !cardOf(card.dataset.task)) place(card, { force: true });
  }
};

document.addEventListener("htmx:afterRequest", (event) => {
  const { target, elt, successful } = event.detail;
  if (!successful) return;
  if (target.matches("[data-list]")) target.removeAttribute("data-lazy");
  else if (target.id !== "board" && !elt.matches?.(".show-more")) return;
  for (const column of columns) if (!listOf(column).hasAttribute("data-lazy")) reconcile(listOf(column));
  settle();
});
for (const name of ["htmx:wsAfterMessage", "htmx:afterSettle"]) document.addEventListener(name, () => root() && settle());
