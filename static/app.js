// What every page has: toasts, theme, dialogs, menus, the keys that lead elsewhere.

const app = (window.app = {
  me: document.body.dataset.me || "",
  can: new Set((document.body.dataset.can || "").split(" ").filter(Boolean)),
});

app.announce = (text) => {
  const region = document.getElementById("announce");
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = text));
};

app.typing = (element = document.activeElement) =>
  Boolean(element && element.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]"));

app.csrf = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";

// Toasts

const TOAST_MS = 9000;

app.toast = (message, { hint = "", tone = "bad" } = {}) => {
  const toast = document.createElement("div");
  toast.className = `toast toast-${tone}`;
  toast.setAttribute("role", tone === "bad" ? "alert" : "status");
  const body = document.createElement("div");
  for (const text of [message, hint].filter(Boolean)) {
    const line = document.createElement("p");
    line.textContent = text;
    body.append(line);
  }
  const close = document.createElement("button");
  close.className = "btn btn-quiet btn-icon btn-small";
  close.type = "button";
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", "Dismiss");
  close.textContent = "×";
  toast.append(body, close);
  document.getElementById("toasts").append(toast);
};

const expire = (toast) => {
  if (toast.dataset.timed) return;
  toast.dataset.timed = "1";
  const later = () =>
    setTimeout(() => (toast.matches(":hover, :focus-within") ? later() : toast.remove()), TOAST_MS);
  later();
};
const toasts = document.getElementById("toasts");
toasts.popover = "manual";
const watchToasts = () => {
  toasts.querySelectorAll(".toast").forEach(expire);
  // A modal dialog covers the page; the layer that opened last lies above it.
  if (toasts.matches(":popover-open")) toasts.hidePopover();
  if (toasts.children.length) toasts.showPopover();
  while (toasts.children.length > 4) toasts.firstElementChild.remove();
};
new MutationObserver(watchToasts).observe(toasts, { childList: true });
watchToasts();

// Theme

const chosenTheme = () => {
  try {
    return localStorage.getItem("theme") || "auto";
  } catch {
    return "auto";
  }
};
const showTheme = () => {
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosenTheme()));
  }
};
const chooseTheme = (choice) => {
  if (choice === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  try {
    if (choice === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", choice);
  } catch {
    // The choice then lasts as long as the page.
  }
  showTheme();
};

// Dialogs, menus, copying: told by attributes

app.open = (dialog) => {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  const first = dialog.querySelector("[autofocus]");
  if (first) first.focus();
};

// Asks before `word` is done; what leaves things as they are is never called as what ends them.
app.confirm = (text, word = "Go on", { ends = false, keep = ends ? "Keep it" : "Cancel" } = {}) =>
  new Promise((resolve) => {
    const dialog = document.getElementById("confirm");
    const yes = dialog.querySelector("[value=yes]");
    dialog.querySelector("#confirm-text").textContent = text;
    dialog.querySelector("[value=no]").textContent = keep;
    yes.textContent = word;
    yes.classList.toggle("btn-danger", ends);
    yes.classList.toggle("btn-primary", !ends);
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    app.open(dialog);
    if (ends) dialog.querySelector("[value=no]").focus(); // Enter twice ends nothing
  });

app.copy = async (source) => {
  const text = "value" in source ? source.value : source.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Plain HTTP on a closed network has no clipboard interface; selecting is the next best.
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    document.execCommand("copy");
  }
  app.toast("Copied.", { tone: "ok" });
};

document.addEventListener("click", (event) => {
  const hit = (selector) => event.target.closest(selector);
  let found;
  for (const open of document.querySelectorAll("details.dropdown[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
  if ((found = hit("[data-dismiss]"))) found.closest(".toast, .notice").remove();
  if ((found = hit("[data-theme-choice]"))) chooseTheme(found.dataset.themeChoice);
  if ((found = hit("[data-closes]"))) found.closest("dialog").close();
  if ((found = hit("[data-copy]"))) app.copy(document.querySelector(found.dataset.copy));
  if ((found = hit("[data-back]"))) history.back();
  if ((found = hit("[data-opens]"))) {
    found.closest("details.dropdown")?.removeAttribute("open");
    app.open(document.querySelector(found.dataset.opens));
  }
  // A click on the grey around a dialog closes it.
  if (event.target.matches("dialog.dialog[open]")) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && (event.clientX || event.clientY)) event.target.close();
  }
});
for (const back of document.querySelectorAll("[data-back]")) back.hidden = history.length < 2;

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const asking = event.submitter?.dataset.confirm || form.dataset.confirm;
  if (!asking || form.dataset.confirmed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const ends = Boolean(event.submitter?.matches(".btn-danger"));
  if (!(await app.confirm(asking, event.submitter?.textContent.trim(), { ends, keep: form.dataset.keep }))) return;
  form.dataset.confirmed = "1";
  form.requestSubmit(event.submitter);
  delete form.dataset.confirmed;
}, true);

document.addEventListener("change", (event) => {
  const control = event.target.closest("[data-autosubmit]");
  if (control) control.form.requestSubmit();
});

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("#user-menu[open]")) showTheme();
}, true);

// Where many tabs do not fit, the one that is open shows.
document.querySelector(".page-head .tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Drafts are kept in this browser under their writer's number; who logs out leaves none behind.

app.draftsOf = `draft-of-${document.body.dataset.user}-`;
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-logs-out]")) return;
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(app.draftsOf)) localStorage.removeItem(key);
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
});

// Keys that lead elsewhere; the board adds its own

// A page of no team leads back to the board that was open last.
const lastBoard = () => {
  const boards = [...document.querySelectorAll(".side-teams a.side-link[href]")];
  return boards.find((link) => link.pathname === sessionStorage.getItem("board")) || boards[0];
};
const thisBoard = document.querySelector('.tabs [data-go="b"]');
if (thisBoard) sessionStorage.setItem("board", thisBoard.pathname);

let prefix = 0;
app.plainKey = (event) =>
  !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing &&
  !app.typing(event.target) && !document.querySelector("dialog[open]");

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const open = document.querySelector("details.dropdown[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
      event.preventDefault();
      return;
    }
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) {
    const { form } = event.target;
    // A dialog is told by its button what was meant.
    form?.requestSubmit(form.method === "dialog" ? form.querySelector(".btn-primary") : null);
    return;
  }
  if (!app.plainKey(event)) return;
  if (Date.now() - prefix < 1500) {
    prefix = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`) || (event.key === "b" && lastBoard());
    if (link) {
      event.preventDefault();
      event.stopImmediatePropagation();
      link.click();
    }
  } else if (event.key === "g") {
    prefix = Date.now();
    event.stopImmediatePropagation();
  } else if (event.key === "?") {
    app.open(document.getElementById("keys"));
  } else if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  }
});
