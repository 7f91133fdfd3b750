// The drawer: the task's own page, beside the board; the address follows.
import { base, boardUrl, cardOf, drawer, root, taskUrl } from "./parts.js";
import { focus } from "./focus.js";
import { act } from "./moves.js";
import { hand } from "./place.js";

const mayLeave = async () => !app.isWritten(drawer) || app.confirm("What you wrote here is not sent.", "Discard it", { ends: true });

export const open = async (number, { push = true } = {}) => {
  const url = taskUrl(number);
  if (drawer.querySelector(`[data-sheet="${number}"]`) || !(await mayLeave())) return;
  await app.load(url, "#drawer");
  if (!drawer.querySelector(`[data-sheet="${number}"]`)) return;
  drawer.scrollTop = 0;
  if (push) history.pushState({ task: number }, "", url);
  live.title(`${drawer.querySelector("[data-title]").dataset.title} · ${boardTitle}`);
  drawer.focus({ preventScroll: true });
  root().querySelectorAll(".is-open").forEach((card) => card.classList.remove("is-open"));
  cardOf(number)?.classList.add("is-open");
};
export const boardTitle = live.bareTitle();
export const close = async ({ push = true } = {}) => {
  if (push && !(await mayLeave())) return;
  const number = drawer.querySelector("[data-sheet]")?.dataset.sheet;
  drawer.replaceChildren();
  root().querySelectorAll(".is-open").forEach((card) => card.classList.remove("is-open"));
  if (push) history.pushState({}, "", boardUrl());
  live.title(boardTitle);
  if (number && cardOf(number)) focus(cardOf(number), { quietly: true });
};
addEventListener("popstate", () => {
  const found = location.pathname.startsWith(`${base}tasks/`) && location.pathname.match(/\/tasks\/(\d+)\/$/);
  if (found) open(found[1], { push: false });
  else if (location.pathname === base) {
    if (drawer.firstElementChild) close({ push: false });
    if (location.search.slice(1) !== root().dataset.filtered) location.reload();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-drawer-close]")) return close();
  if (event.target.closest("[data-opens-new]")) {
    event.preventDefault();
    return app.open(document.getElementById("new-task"));
  }
  const button = event.target.closest(".card [data-act]");
  if (button) {
    const card = button.closest(".card");
    if (button.dataset.act === "answer") return open(card.dataset.task).then(sheet.answer);
    return act(card, button.dataset.act);
  }
  const link = event.target.closest(`a[href^="${base}tasks/"]`);
  const number = link && /\/tasks\/(\d+)\/$/.exec(link.getAttribute("href"));
  if (!number || event.ctrlKey || event.metaKey || event.shiftKey || event.button || link.target) return;
  if (link.matches("[title='Open as a page']")) return;
  event.preventDefault();
  if (hand.justLetGo) return;
  open(number[1]);
});
