// The desk follows what others do, and is worked with a, r and n.
"use strict";

const EVERY_MS = 2000;
const plan = document.getElementById("desk-plan");
const queue = document.getElementById("desk-queue");

const ask = async (url) => {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    return answer.ok && !answer.redirected ? await answer.json() : null;
  } catch {
    return null; // the next turn asks again
  }
};

const watch = (url, act) => {
  let busy = false;
  const turn = async () => {
    if (busy || document.hidden) return;
    busy = true;
    const state = await ask(url);
    if (state) await act(state);
    busy = false;
  };
  setInterval(turn, EVERY_MS);
  document.addEventListener("visibilitychange", turn);
};

// One plan: whoever decides while I read it is announced, and my buttons go.
if (plan) {
  const taken = document.getElementById("desk-taken");
  watch(plan.dataset.stateUrl, (state) => {
    if (taken.textContent !== state.taken) taken.textContent = state.taken;
    taken.hidden = !state.taken;
    if (state.mark === plan.dataset.mark) return;
    plan.dataset.mark = state.mark;
    const news = document.getElementById("desk-news");
    news.querySelector("span").textContent = state.says;
    news.hidden = false;
    for (const button of plan.querySelectorAll("#desk-decide button")) button.disabled = true;
  });
}

// The queue: fetched anew when it changed, with what is ticked kept.
const renew = async () => {
  const old = document.getElementById("changelist-form");
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected || !old) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("#changelist-form .results");
  const shown = old.querySelector(".results");
  const ticked = new Set([...old.querySelectorAll("input.action-select:checked")].map((box) => box.value));
  if (!fresh || !shown || !page.getElementById("desk-queue")) {
    // From none to some or back the page has other parts; reloading loses nothing but a note.
    if (!ticked.size && !old.querySelector("[name=note]")?.value) location.reload();
    return;
  }
  // The versions that were ticked are the ones that are decided, whatever came since.
  const seen = new Map([...shown.querySelectorAll("[name=seen]")].map((field) => [field.value.split(":")[0], field.value]));
  for (const box of fresh.querySelectorAll("input.action-select")) {
    if (!ticked.has(box.value)) continue;
    box.checked = true;
    const row = box.closest("tr");
    row.classList.add("selected");
    row.querySelector("[name=seen]").value = seen.get(box.value);
  }
  const left = [...ticked].filter((pk) => !fresh.querySelector(`input.action-select[value="${CSS.escape(pk)}"]`));
  shown.replaceChildren(...fresh.childNodes);
  old.dataset.renewed = "";
  count(old);
  queue.querySelector("span").textContent = page.querySelector("#desk-queue span").textContent;
  const gone = queue.querySelector("[data-gone]");
  gone.dataset.gone = Number(gone.dataset.gone) + left.length;
  gone.hidden = gone.dataset.gone === "0";
  gone.textContent = `${gone.dataset.gone} that you ticked left the list: somebody else was first. `;
};

// The admin's own script knows the boxes that the page came with; for later ones this takes over.
const boxes = (form) => [...form.querySelectorAll("input.action-select")];
const count = (form) => {
  const all = boxes(form);
  const on = all.filter((box) => box.checked).length;
  for (const box of all) box.closest("tr").classList.toggle("selected", box.checked);
  const toggle = form.querySelector("#action-toggle");
  if (toggle) toggle.checked = on > 0 && on === all.length;
  for (const field of form.querySelectorAll("input.select-across")) field.value = 0;
  for (const part of form.querySelectorAll(".actions .all, .actions .question, .actions .clear")) part.classList.add("hidden");
  const counter = form.querySelector(".action-counter");
  if (!counter) return;
  counter.classList.remove("hidden");
  counter.textContent = `${on} of ${all.length} selected`;
};
document.getElementById("changelist-form")?.addEventListener("change", (event) => {
  const form = event.currentTarget;
  if (!("renewed" in form.dataset) || !event.target.matches("#action-toggle, input.action-select")) return;
  event.stopPropagation();
  if (event.target.id === "action-toggle") for (const box of boxes(form)) box.checked = event.target.checked;
  count(form);
}, true);

if (queue) {
  watch(queue.dataset.stateUrl, async (state) => {
    if (state.mark === queue.dataset.mark) return;
    queue.dataset.mark = state.mark;
    await renew();
  });
}

const typing = (element) => Boolean(element?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select"));

document.addEventListener("keydown", (event) => {
  const note = document.getElementById("desk-note");
  if (event.target === note && event.key === "Escape") {
    note.blur();
    return;
  }
  if (event.target === note && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    const wanted = note.form.dataset.intent || "a";
    if (note.form.dataset.intent) plan.querySelector(`[data-key="${wanted}"]`).click();
    else plan.querySelector("[data-key]").focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (queue && event.key === "n") {
    document.querySelector("#result_list tbody th a")?.click();
    return;
  }
  const target = plan?.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target || target.disabled) return;
  event.preventDefault();
  if (event.key === "r" && note && !note.value.trim() && note.form.dataset.intent !== "r") {
    // A rejection deserves a reason: the second time it goes without.
    note.form.dataset.intent = "r";
    note.focus();
    return;
  }
  target.click();
});
