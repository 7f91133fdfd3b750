// Mail with the keyboard: j k choose, r replies, e archives, n writes; what was really seen is
// marked as read.

const pane = () => document.getElementById("letter");
const thread = () => document.getElementById("thread");
const split = () => document.querySelector(".mail");
const lines = () => [...document.querySelectorAll("#letters a.line")];
const small = () => matchMedia("(max-width: 720px)").matches;

// The list and the conversation beside it

const mark = () => {
  const root = pane()?.dataset.conversation;
  for (const line of lines()) {
    if (root && line.dataset.line === root) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
  }
};
const current = () => {
  const root = coming?.line || pane()?.dataset.conversation;
  return lines().findIndex((line) => (root ? line.dataset.line === root : line === document.activeElement));
};

// What was asked for last is what gets shown, however answers overtake each other.
let coming = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target, xhr } = event.detail;
  if (target?.id !== "letter") return;
  // What is open follows its news; a second answer would take the place of what is sent from it.
  if (!coming && elt.dataset.line && elt.dataset.line === pane().dataset.conversation) event.preventDefault();
  else coming = { xhr, line: elt.dataset.line, then: null };
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr } = event.detail;
  if (target?.id === "letter" && xhr !== coming?.xhr) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr !== coming?.xhr) return;
  const { then } = coming;
  coming = null;
  if (event.detail.successful) then?.();
});
const putAway = () => {
  if (coming) coming.then = putAway;
  else pane()?.querySelector("[data-key=e]")?.click();
};

// With the mouse, too, who has chosen another one means that.
document.addEventListener("click", (event) => {
  if (!coming || !event.target.closest("[data-key=e]")) return;
  event.preventDefault();
  event.stopPropagation();
  putAway();
}, true);

const choose = (line) => {
  if (!line) return;
  line.scrollIntoView({ block: "nearest" });
  if (pane()) line.click();
  else line.focus();
};

const scrolls = () => (small() ? document.scrollingElement : thread());
const atEnd = () => {
  const box = scrolls();
  return !box || box.scrollHeight - box.scrollTop - box.clientHeight < 60;
};
// The newest letter, from its start where it does not fit.
const toNewest = () => [...document.querySelectorAll("#thread > .letter, #thread > .chatter")].at(-1)?.scrollIntoView({ block: "start" });

const opened = () => {
  const root = pane()?.dataset.conversation;
  const open = Boolean(root || pane()?.hasAttribute("data-composes"));
  split()?.classList.toggle("has-open", open);
  mark();
  app.drafts?.restore();
  if (!root) {
    pane()?.querySelector("#new-to")?.focus();
    return;
  }
  const wanted = document.getElementById(location.hash.slice(1)) || pane().querySelector(".letter.is-unread");
  if (wanted) wanted.scrollIntoView({ block: "start" });
  else toNewest();
  app.announce(pane().querySelector("h2")?.textContent.trim() || "");
  see();
};

// The address follows what is open, so that reloading shows the same, and going back leads from what
// was opened first to the list.
let shown = location.pathname;
const address = (path) => {
  if (path !== location.pathname) {
    const url = path + location.search.replace(/[?&]cursor=\d+/, "");
    if (split().classList.contains("has-open")) history.replaceState(history.state, "", url);
    else history.pushState({ opened: true }, "", url);
  }
  shown = path;
};
const show = (path) => app.load(path, "#letter", "outerHTML settle:0ms");
const home = () => document.getElementById("letters").getAttribute("hx-get");
const close = () => {
  const line = lines()[current()];
  split().classList.remove("has-open");
  line?.focus();
  show(home());
};
const leave = () => {
  if (history.state?.opened) return history.back();
  history.replaceState(null, "", home());
  shown = location.pathname;
  close();
};
addEventListener("popstate", () => {
  if (!split() || location.pathname === shown) return;
  shown = location.pathname;
  if (shown === home().split("?")[0]) close();
  else show(shown + location.search);
});

document.addEventListener("htmx:afterSettle", (event) => {
  const { target, requestConfig } = event.detail;
  if (target?.id === "letter") {
    if (requestConfig) address(requestConfig.path.split("?")[0]);
    opened();
  } else if (target?.id === "letters" || target?.id === "more-letters") {
    mark();
  } else if (target?.id === "thread") {
    if (stick) toNewest();
    follow();
    see();
  }
});

// A reply answers what its conversation says, and goes to whom that came from, until one is written
// that would go to others, or somebody else was chosen.
const follow = (form = document.getElementById("reply")) => {
  if (!form || form.dataset.chosen) return;
  const { answers, to } = thread().dataset;
  const field = form.elements.to;
  const untouched = field.value === field.defaultValue && !form.elements.body.value.trim();
  if (!untouched && field.value !== to) return;
  field.value = field.defaultValue = to;
  form.elements.reply_to.value = answers;
};

let stick = false;
let unfolded = [];
const known = new Set(lines().map((line) => line.id + line.dataset.count));
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id === "thread") stick = atEnd();
  if (event.detail.target?.id === "letters") unfolded = [...document.querySelectorAll("#letters .chatter[open]")].map((one) => one.id);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "letters") return;
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  for (const line of lines()) {
    const key = line.id + line.dataset.count;
    if (!known.has(key) && line.classList.contains("is-unread")) line.classList.add("is-news");
    known.add(key);
  }
});

// News keep as much of the list as was loaded, and what chat is unfolded stays so.
document.addEventListener("htmx:configRequest", (event) => {
  const { elt, parameters } = event.detail;
  if (elt.id === "letters") {
    const loaded = [...elt.querySelectorAll("[data-count]")].reduce((sum, one) => sum + Number(one.dataset.count), 0);
    if (loaded > 50) parameters.set("limit", String(Math.min(200, loaded)));
  }
});

// Seen is what stood on a visible page for a moment.
let seeing = null;
const see = () => {
  clearTimeout(seeing);
  const form = document.querySelector("[data-seen]");
  if (!form || document.hidden) return;
  seeing = setTimeout(() => !document.hidden && form.isConnected && htmx.trigger(form, "seen"), 500);
};
document.addEventListener("visibilitychange", see);

document.addEventListener("htmx:afterRequest", (event) => {
  // The form that was sent may have been replaced meanwhile.
  const { requestConfig, successful } = event.detail;
  const elt = requestConfig?.elt;
  if (!successful || !(elt instanceof Element)) return;
  if (elt.id === "reply") {
    app.drafts.forget(elt);
    app.files.forget(elt);
    elt.elements.body.value = "";
    delete elt.dataset.chosen;
    elt.elements.to.value = elt.elements.to.defaultValue;
    follow(elt);
    stick = true;
    toNewest();
    elt.elements.body.focus();
  }
  if (elt.matches("[data-archives]")) {
    const all = lines();
    const next = all[current() + 1] || all[current() - 1];
    // Who has opened another one meanwhile stays there.
    const isOpen = !coming && elt.dataset.root === pane().dataset.conversation;
    if (isOpen && next && !small()) choose(next);
    else if (isOpen) leave();
    offerUndo(elt.dataset.archives, elt.dataset.undo);
  }
});

const offerUndo = (done, url) => {
  app.toast(done, { tone: "ok" });
  const toast = document.getElementById("toasts").lastElementChild;
  const undo = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-small", textContent: "Undo" });
  undo.addEventListener("click", () => {
    toast.remove();
    htmx.ajax("POST", url, { values: { thread: "1" }, swap: "none" });
  });
  toast.lastElementChild.before(undo);
};

document.addEventListener("click", (event) => {
  const reply = event.target.closest("[data-reply]");
  if (reply) {
    const form = document.getElementById("reply");
    form.elements.to.value = reply.dataset.to;
    form.elements.reply_to.value = reply.dataset.reply;
    form.dataset.chosen = "1";
    form.elements.body.focus();
  }
  if (event.target.closest(".letter-back")) {
    event.preventDefault();
    leave();
  }
});

document.addEventListener("keydown", (event) => {
  if (!app.plainKey(event) || !document.getElementById("letters")) return;
  const all = lines();
  const act = {
    j: () => choose(all[Math.min(all.length - 1, current() + 1)]),
    k: () => choose(all[Math.max(0, current() - 1)]),
    r: () => document.querySelector("#reply [name=body]")?.focus(),
    e: putAway,
    n: () => document.querySelector("[data-new]")?.click(),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !event.target.closest?.("#reply, #compose")) return;
  event.target.blur();
});

opened();
