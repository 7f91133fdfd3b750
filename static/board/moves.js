// Moves cards: sends the verb, shows it at once, takes it back where it is refused.
import { boardUrl, cardOf, cardsIn, columns, copyOf, drops, nameOf, taskUrl, titleOf, versionOf, why } from "./parts.js";
import { focus } from "./focus.js";
import { awaited, newest, place, settle } from "./place.js";

// A live page gets its own move as news, like everybody else; wait for that, but not for ever.
export const arrival = (number, version) =>
  new Promise((resolve) => {
    if (newest.get(number)?.version > version) return resolve();
    const late = setTimeout(async () => {
      await app.load(boardUrl(), "#board", "outerHTML");
      resolve();
    }, 2000);
    awaited.set(number, () => {
      clearTimeout(late);
      awaited.delete(number);
      resolve();
    });
  });

export const send = async (card, verb, values = {}) => {
  const number = Number(card.dataset.task);
  const version = versionOf(card);
  const body = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined && value !== null));
  let response;
  try {
    response = await fetch(taskUrl(number, verb), { method: "POST", body, headers: { "HX-Request": "true", "X-CSRFToken": app.csrf(), "X-Live": document.body.dataset.live } });
  } catch {
    app.toast("The server cannot be reached.", { hint: "Nothing was changed. Try again when the page is live." });
    return false;
  }
  if (response.redirected && app.loggedOut(response.url)) {
    location.reload();
    return false;
  }
  if (response.status === 204) {
    await arrival(number, version);
    return true;
  }
  const text = await response.text();
  if (response.ok) {
    app.apply(text);
    settle();
    return true;
  }
  if (response.headers.get("HX-Retarget")) document.getElementById("toasts").insertAdjacentHTML("beforeend", text);
  else app.refusal(response.status);
  return false;
};

export const askForChanges = (card) =>
  new Promise((resolve) => {
    const dialog = document.getElementById("changes-dialog");
    dialog.querySelector("h2").textContent = `Request changes on #${card.dataset.task}`;
    const note = dialog.querySelector("textarea");
    note.value = "";
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? note.value : null), { once: true });
    app.open(dialog);
  });

const VERB_TO = { approve: "approved", "request-changes": "todo" };
// What the table rules out needs no dialog and no request.
const ruledOut = (card, verb) => {
  const to = VERB_TO[verb];
  if (!to || drops[card.dataset.in][to] === verb) return false;
  app.toast(card.dataset.in === to ? `${titleOf(card)} is in ${nameOf(to)} already.` : why[to]);
  return true;
};

export const act = async (card, verb, values = {}) => {
  if (ruledOut(card, verb)) return false;
  if (verb === "request-changes") {
    const note = await askForChanges(card);
    if (note === null) return false;
    values.note = note;
  }
  const number = Number(card.dataset.task);
  const from = card.dataset.in;
  const title = titleOf(card);
  const done = await send(card, verb, values);
  const now = cardOf(number);
  now?.classList.remove("is-pending");
  const where = now ? now.dataset.in : newest.get(number) && copyOf(newest.get(number).html).dataset.in;
  if (done && where && where !== from && drops[where]) app.announce(`${title} moved to ${nameOf(where)}.`);
  return done;
};

// Show the card where it was dropped at once; a refusal puts it back where it was.
export const moveTo = async (card, column, { before, after, list, anchor }) => {
  const number = Number(card.dataset.task);
  const from = card.dataset.in;
  const verb = column === from ? "position" : drops[from][column];
  if (!verb) {
    app.toast(why[column] || "This move is not possible.");
    app.announce(`${titleOf(card)} stays in ${nameOf(from)}: ${why[column]}`);
    return;
  }
  const saved = card.outerHTML;
  if (list && verb !== "request-changes") {
    list.insertBefore(card, anchor || list.querySelector(":scope > .show-more"));
    card.classList.add("is-pending");
  }
  const done = await act(card, verb, { before, after });
  if (done) return;
  cardOf(number)?.remove();
  const known = newest.get(number);
  place(known && known.version > versionOf(card) ? copyOf(known.html) : copyOf(saved), { force: true });
  cardOf(number)?.classList.remove("is-pending", "is-dragging");
  settle();
};

export const neighbour = (card, step) => {
  const from = columns.indexOf(card.dataset.in);
  for (let index = from + step; index >= 0 && index < columns.length; index += step) {
    if (drops[card.dataset.in][columns[index]]) return columns[index];
  }
  return null;
};

export const shift = (card, step) => {
  const column = neighbour(card, step);
  if (column) {
    moveTo(card, column, {}).then(() => focus(cardOf(card.dataset.task)));
    return;
  }
  const next = columns[columns.indexOf(card.dataset.in) + step];
  const reason = next ? why[next] : "There is no column on that side.";
  app.toast(reason);
};

export const reorder = (card, step) => {
  const other = step > 0 ? card.nextElementSibling : card.previousElementSibling;
  if (!other?.matches(".card")) return;
  const number = other.dataset.task;
  send(card, "position", step > 0 ? { after: number } : { before: number }).then((done) => {
    const now = cardOf(card.dataset.task);
    if (!done || !now) return;
    focus(now);
    app.announce(`${titleOf(now)}: place ${cardsIn(now.parentElement).indexOf(now) + 1} in ${nameOf(now.dataset.in)}.`);
  });
};
