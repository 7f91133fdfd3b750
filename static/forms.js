// What htmx sends: refusals, the marks beside wrong fields, and that a form goes only once.

// Refusals of htmx requests: the server sends a toast; what has none gets one here.

const blunt = {
  400: ["The server did not understand this.", "Reload the page and try again."],
  403: ["You may not do this, or the page is out of date.", "Reload the page and try again."],
  404: ["This is no longer here.", "Reload the page."],
  413: ["This is too large.", "Send less at once."],
  429: ["Too many requests at once.", "Wait a moment, then try again."],
};
app.refusal = (status) => {
  const [message, hint] = blunt[status] || ["The server could not do this.", "Try again; its log says more."];
  app.toast(message, { hint });
};
// Reads a part of the page; whether the server answered. Where it did not, a toast has said so.
app.load = (url, target, swap = "innerHTML") => htmx.ajax("GET", url, { target, swap }).then(() => true, () => false);
app.loggedOut = (url) => new URL(url, location.href).pathname.startsWith("/login");

// What nobody asked for by hand is told by the live state, not by a toast.
const unasked = ({ requestConfig }) =>
  Boolean(requestConfig?.elt.matches?.('[hx-trigger*="news-"]')) && (requestConfig.triggeringEvent?.type ?? "news-").startsWith("news-");
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  const away = xhr.responseURL && app.loggedOut(xhr.responseURL) && !app.loggedOut(location.href);
  if ((away || xhr.status >= 400) && unasked(event.detail)) {
    event.detail.shouldSwap = false;
  } else if (away) {
    event.detail.shouldSwap = false;
    location.reload();
  } else if (xhr.status >= 400 && !xhr.getResponseHeader("HX-Retarget")) {
    event.detail.shouldSwap = false;
    app.refusal(xhr.status);
  }
});
document.addEventListener("htmx:sendError", (event) => {
  if (unasked(event.detail)) return;
  app.toast("The server cannot be reached.", { hint: "Nothing was changed. Try again when the page is live." });
});

// Whether something was typed into a form of this part and not sent.
app.isWritten = (part) =>
  [...part.querySelectorAll("form[method=post] :is(input, textarea)")].some((control) => control.type !== "hidden" && control.value !== control.defaultValue);

// A form goes once: a second click or Enter while the answer is on its way is nothing new.

document.addEventListener("htmx:confirm", (event) => {
  if (event.target.matches?.("form[data-sending]")) event.preventDefault();
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sending) event.preventDefault();
  form.dataset.sending = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sending]")) delete form.dataset.sending;
});

// Forms that htmx sends: emptied and closed when it went well, marked where it did not.

const unmark = (form, controls = form.querySelectorAll("[aria-invalid]")) => {
  for (const control of controls) {
    control.removeAttribute("aria-invalid");
    form.querySelector(`.field-error[data-about="${CSS.escape(control.name)}"]`)?.remove();
  }
};
app.mark = (form, fields) => {
  let first = null;
  for (const [name, sentence] of Object.entries(fields)) {
    const control = form.elements[name];
    if (!control || !("setAttribute" in control)) continue;
    control.setAttribute("aria-invalid", "true");
    const mark = document.createElement("span");
    mark.className = "field-error";
    mark.dataset.about = name;
    mark.setAttribute("role", "alert");
    mark.textContent = sentence;
    (control.closest(".field") || form).append(mark);
    first = first || control;
  }
  first?.focus();
  return Boolean(first);
};
// A mark goes as soon as its field is written in.
document.addEventListener("input", (event) => {
  if (event.target.form && event.target.hasAttribute("aria-invalid")) unmark(event.target.form, [event.target]);
});
// A page that came back with mistakes begins at the first one.
const mistake = document.querySelector("#content .is-wrong :is(input, select, textarea)");
if (mistake) mistake.focus();
else document.querySelector("#content form > .notice-bad")?.scrollIntoView({ block: "center" });
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.detail.elt;
  if (!form.matches("form")) return;
  form.dataset.sending = "1";
  unmark(form);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt: form, xhr, successful } = event.detail;
  if (!form.matches?.("form")) return;
  delete form.dataset.sending;
  if (successful) {
    if (form.matches("[data-reset]")) form.reset();
    if (form.matches("[data-closes-dialog]")) form.closest("dialog")?.close();
    return;
  }
  const holder = document.createElement("template");
  holder.innerHTML = xhr.responseText || "";
  const told = holder.content.querySelector("[data-fields]");
  if (!told) return;
  const fields = JSON.parse(told.dataset.fields);
  const [name, ...others] = Object.keys(fields);
  const hint = told.querySelector("p + p")?.textContent;
  if (hint && !others.length) fields[name] += ` ${hint}`;
  // What stands beside its field need not be said a second time.
  if (app.mark(form, fields)) document.getElementById("toasts").lastElementChild?.remove();
});
