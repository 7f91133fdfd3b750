// The page of a task, alone or in the board's drawer: editing in place, and what is being written stays.
"use strict";

const editor = (number) => document.getElementById(`editor-${number}`);

window.sheet = {
  number: () => Number(document.getElementById("sheet")?.dataset.sheet || 0),
  edit(number) {
    const details = editor(number);
    if (!details) return;
    details.open = true;
    details.querySelector("[name=subject]").focus();
  },
  comment() {
    document.getElementById("composer")?.focus();
  },
  answer() {
    document.getElementById("answer-text")?.focus();
  },
};

document.addEventListener("click", (event) => {
  const edits = event.target.closest("[data-edits]");
  if (edits && !String(getSelection())) {
    const details = document.querySelector(edits.dataset.edits);
    details.open = !details.open;
    if (details.open) details.querySelector("[name=subject]").focus();
    else details.querySelector("form").reset();
  }
  const link = event.target.closest("[data-copy-link]");
  if (link) {
    const holder = document.createElement("span");
    holder.textContent = new URL(location.href).origin + location.pathname;
    holder.className = "sr-only";
    document.body.append(holder);
    app.copy(holder).finally(() => holder.remove());
  }
});

// Escape leaves what is being written: an editor closes, another text stays as it is.
const leave = (event) => {
  const open = event.target.closest?.("#sheet details.editor[open]");
  const field = event.target.closest?.("#sheet :is(input, textarea, select)");
  if (!open && !field) return;
  event.preventDefault();
  if (open) {
    open.querySelector("form").reset();
    open.open = false;
  }
  const host = event.target.closest(".drawer, #content");
  host.tabIndex = -1;
  host.focus({ preventScroll: true });
};

// An own write answers with fresh parts: let go of the form first, so that they may replace it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = event.detail;
  if (xhr.status >= 300 || requestConfig?.verb === "get") return;
  const form = requestConfig.elt;
  form.closest?.("details.editor, details.dropdown")?.removeAttribute("open");
});

// While a text is edited its part is not replaced. Where only other things changed, the form moves
// on to the new version; where the text itself did, it says so.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment, shouldSwap } = event.detail;
  const mine = target.querySelector("details.editor[open] form");
  const theirs = fragment.querySelector?.("details.editor form");
  if (shouldSwap || !mine || !theirs) return;
  const same = ["subject", "description"].every((name) => mine.elements[name].defaultValue === theirs.elements[name].defaultValue);
  if (same) mine.elements.expected_version.value = theirs.elements.expected_version.value;
  else mine.querySelector(".editor-stale").hidden = false;
});

document.addEventListener("keydown", (event) => {
  const number = sheet.number();
  if (event.key === "Escape" && !event.defaultPrevented) leave(event);
  if (!number || window.board?.current() || !app.plainKey(event)) return;
  const act = { e: () => sheet.edit(number), c: sheet.comment, o: () => document.getElementById("fact-owner")?.focus() }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});
