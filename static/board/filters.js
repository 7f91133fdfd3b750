// Filters, which the address and the columns follow at once; and the column names as tabs.
import { base, root } from "./parts.js";
import { firstCard, focus } from "./focus.js";

const form = document.getElementById("filters");
let typing = null, wanted = root().dataset.filtered, fetching = Promise.resolve();
const queryOf = () => {
  const values = new FormData(form);
  const pairs = ["owner", "label", "priority", "q"].map((name) => [name, values.get(name).trim()]);
  return new URLSearchParams(pairs.filter(([, value]) => value)).toString();
};
// One at a time, and only the last wish counts: an earlier answer never covers a later one.
const filter = () => {
  const query = queryOf();
  if (query === wanted) return;
  wanted = query;
  const url = base + (query ? `?${query}` : "");
  history.replaceState(history.state, "", url);
  for (const control of form.querySelectorAll("select")) control.classList.toggle("is-set", Boolean(control.value));
  document.getElementById("filters-clear").hidden = !query;
  fetching = fetching.then(async () => {
    if (query === wanted && !(await app.load(url, "#board", "outerHTML")) && query === wanted) wanted = null;
  });
};
// What the server did not answer is asked again when it is back.
document.addEventListener("htmx:wsOpen", () => wanted === null && filter());
form.addEventListener("change", filter);
form.addEventListener("input", (event) => {
  if (event.target.type !== "search") return;
  clearTimeout(typing);
  typing = setTimeout(filter, 200);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});
document.getElementById("filters-clear").addEventListener("click", (event) => {
  event.preventDefault();
  for (const control of form.elements) if ("value" in control) control.value = "";
  filter();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Escape" || (event.key === "Enter" && event.target.type === "search")) {
    event.preventDefault();
    filter();
    focus(firstCard());
  }
});

// Column names as tabs, where one column fills the screen

const tabs = [...document.querySelectorAll("[data-tab]")];
export const watchTabs = () => {
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const tab of tabs) {
        const isHere = tab.dataset.tab === entry.target.dataset.column;
        if (isHere) tab.setAttribute("aria-current", "true");
        else tab.removeAttribute("aria-current");
      }
    }
  }, { root: root(), threshold: 0.6 });
  for (const column of root().querySelectorAll(".column")) watcher.observe(column);
};
for (const tab of tabs) {
  tab.addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById(`column-${tab.dataset.tab}`).scrollIntoView({ behavior: "smooth", inline: "start", block: "nearest" });
  });
}

document.addEventListener("htmx:afterRequest", (event) => event.detail.target.id === "board" && watchTabs());
watchTabs();
