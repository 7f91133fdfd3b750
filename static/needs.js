// Settling what waits with the keyboard: j k choose, a and r act, Enter opens.
// A form with data-settles takes its thing off the list; [data-key] is what a key presses or enters.
"use strict";

const list = () => document.getElementById("needs-list");
const pane = () => document.getElementById("need") || document.getElementById("plan");
const rows = () => [...(list()?.querySelectorAll("[data-need]") || [])];
const chosen = () => document.getElementById("need")?.dataset.keyOf || "";
const row = (key) => rows().find((one) => one.dataset.need === key);
const split = () => document.querySelector(".needs");

let place = 0;

const mark = (key) => {
  rows().forEach((one, index) => {
    if (one.dataset.need === key) {
      one.setAttribute("aria-current", "true");
      place = index;
    } else {
      one.removeAttribute("aria-current");
    }
  });
};

const choose = (one) => {
  if (!one) return;
  mark(one.dataset.need);
  one.scrollIntoView({ block: "nearest" });
  one.click();
};

// Answers may overtake each other: only the one asked for last is shown.
let wanted = chosen();
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches("[data-need]")) wanted = event.target.dataset.need;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const asked = event.detail.requestConfig?.elt;
  if (asked?.matches("[data-need]") && asked.dataset.need !== wanted) event.detail.shouldSwap = false;
});

const step = (by) => {
  const all = rows();
  const now = all.findIndex((one) => one.dataset.need === wanted);
  choose(all[Math.max(0, Math.min(all.length - 1, now + by))]);
};

// Somebody was first while I was writing: my words stay, with a line that says so.
const tellOver = (form) => {
  if (pane().querySelector("[data-over-note]")) return;
  const line = document.createElement("p");
  line.className = "notice notice-warn";
  line.dataset.overNote = "";
  line.setAttribute("role", "status");
  line.textContent = "This no longer waits for you: it was settled meanwhile. Your note is still here.";
  form.before(line);
};

// The list is fresh: keep to what I look at, or go on to what took its place.
const follow = () => {
  const all = rows();
  split()?.classList.toggle("is-done", !all.length);
  const sum = document.getElementById("needs-sum");
  if (sum) sum.hidden = !all.length;
  if (sum && all.length) sum.firstChild.textContent = `${list().querySelector("[data-total]").dataset.total} waiting · oldest `;
  const key = chosen();
  if (key && row(key)) {
    mark(key);
    return;
  }
  const note = pane()?.querySelector("[data-note]");
  if (key && note?.value.trim() && !settled.has(key)) {
    tellOver(note.form);
    return;
  }
  if (all.length) choose(all[Math.min(place, all.length - 1)]);
  else if (pane()) pane().replaceChildren();
  if (!all.length) split()?.classList.remove("has-open");
};

const settled = new Set();

document.addEventListener("htmx:afterRequest", (event) => {
  const { requestConfig, successful } = event.detail;
  if (!successful || !requestConfig?.elt.closest?.("[data-settles]") || !list()) return;
  settled.add(chosen());
  pane().querySelectorAll("[data-note]").forEach((note) => (note.value = ""));
  document.body.dispatchEvent(new CustomEvent("settled"));
});

document.addEventListener("htmx:afterSettle", (event) => {
  const { target } = event.detail;
  if (target.id === "needs-list" || event.target.id === "needs-list") follow();
  if (target.id === "need" || event.target.id === "need") {
    mark(chosen());
    if (matchMedia("(max-width: 720px)").matches && chosen()) {
      split()?.classList.add("has-open");
      scrollTo(0, 0);
    }
    const title = pane()?.querySelector("h2")?.textContent.trim();
    if (title) app.announce(title);
  }
});

// A small screen shows one of the two.
document.addEventListener("click", (event) => {
  if (!event.target.closest(".need-back") || !list()) return;
  event.preventDefault();
  split().classList.remove("has-open");
  row(chosen())?.focus();
});

const press = (key) => {
  const target = pane()?.querySelector(`[data-key="${key}"]:not(:disabled)`);
  if (!target) return false;
  const note = target.form?.querySelector("[data-note]");
  if (target.matches("textarea, input")) {
    target.focus();
  } else if (key === "r" && note && !note.value.trim()) {
    // A refusal deserves a reason: the second time it goes without.
    if (target.form.dataset.intent === "r") target.click();
    else {
      target.form.dataset.intent = "r";
      note.focus();
      app.announce("Write why, then press Control and Enter. Escape and r again sends it without a note.");
    }
  } else {
    target.click();
  }
  return true;
};

document.addEventListener("keydown", (event) => {
  const note = event.target.closest?.("[data-note]");
  if (!note) return;
  if (event.key === "Escape") {
    note.blur();
    event.preventDefault();
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    const keyed = note.form.dataset.intent ? `[data-key="${note.form.dataset.intent}"]` : "";
    const buttons = [...note.form.querySelectorAll("button:not([disabled])")];
    if (keyed) note.form.querySelector(keyed).click();
    else if (buttons.length === 1) buttons[0].click();
    else buttons[0]?.focus();
  }
}, true);

document.addEventListener("keydown", (event) => {
  if (!app.plainKey(event)) return;
  let done = true;
  if (event.key === "j" && list()) step(1);
  else if (event.key === "k" && list()) step(-1);
  else if (event.key === "a" || event.key === "r") done = press(event.key);
  else if (event.key === "Enter" && list() && !event.target.closest("button, a:not([data-need]), summary")) {
    const link = pane()?.querySelector("[data-open]");
    done = Boolean(link);
    link?.click();
  } else done = false;
  if (done) event.preventDefault();
});

mark(chosen());
