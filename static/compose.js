// Writing messages on any page of a team: drafts are kept, names and cards complete themselves, and
// the composer opens as a dialog over the page.

// Drafts, per conversation and person, in this browser

const draftKey = (form) => {
  const key = form.closest("[data-draft]")?.dataset.draft;
  return key ? app.draftsOf + key : "";
};
const store = (use) => {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
};
const KEPT = "#reply, #compose, #ask-form, form.keeps";
const FIELDS = ["to", "cc", "broadcast", "subject", "body", "conclusion", "agreed_by", "dissent"];
const isWrong = (form) => Boolean(form.querySelector(".field-error, .notice-bad"));
const mainOf = (form) => form.elements.body || form.elements.conclusion;
const written = (form) => {
  const values = {};
  for (const name of FIELDS) {
    const control = form.elements[name];
    const value = control?.type === "checkbox" ? control.checked : control?.value;
    if (value) values[name] = value;
  }
  return values;
};
const write = (form, values) => {
  for (const name of FIELDS) {
    const control = form.elements[name];
    if (!control) continue;
    if (control.type === "checkbox") control.checked = Boolean(values[name]);
    else control.value = values[name] || "";
    // What is going to be sent is seen.
    const fold = control.closest("details.fold");
    if (fold && values[name]) fold.open = true;
  }
};

const showKept = (form) => {
  const state = form.querySelector("[data-draft-state]");
  if (!state || state.firstChild) return;
  const [words, button] = [document.createElement("span"), document.createElement("button")];
  words.className = "hide-small";
  words.textContent = "Draft kept · ";
  button.type = "button";
  button.className = "link-btn";
  button.dataset.discards = "";
  button.textContent = "Discard draft";
  state.append(words, button);
};
const forget = (form) => {
  store((kept) => kept.removeItem(draftKey(form)));
  form.querySelector("[data-draft-state]")?.replaceChildren();
};
const keep = (form) => {
  if (!draftKey(form)) return;
  if (!mainOf(form)?.value.trim()) return forget(form);
  store((kept) => kept.setItem(draftKey(form), JSON.stringify(written(form))));
  showKept(form);
};
const restoreDrafts = () => {
  for (const form of document.querySelectorAll(KEPT)) {
    const values = store((kept) => JSON.parse(kept.getItem(draftKey(form)) || "null"));
    if (!values || isWrong(form)) continue;
    const main = mainOf(form);
    if (main.value && main.value !== main.defaultValue) continue;
    write(form, values);
    showKept(form);
  }
};
const discard = async (form) => {
  if (!(await app.confirm("Discard what you wrote here?", "Discard draft", { ends: true }))) return;
  // A page that came back with mistakes has them as its first values.
  if (isWrong(form)) write(form, {});
  else form.reset();
  delete form.dataset.chosen;
  forget(form);
  mainOf(form).focus();
};
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.matches(KEPT)) keep(form);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-discards]");
  if (button) discard(button.form);
});
// A form that leaves the page: its draft goes once the page comes that shows what became of it.
document.addEventListener("submit", (event) => {
  if (event.target.matches("#compose, .keeps") && !event.defaultPrevented) {
    sessionStorage.setItem("sent-draft", draftKey(event.target));
  }
});
const left = sessionStorage.getItem("sent-draft");
if (left) {
  sessionStorage.removeItem("sent-draft");
  const wrong = [...document.querySelectorAll(KEPT)].find(isWrong);
  const arrived = document.querySelector("#thread, #talk") && !document.querySelector("#content .notice-bad");
  if (wrong || arrived) store((kept) => kept.removeItem(left));
  // What comes back with mistakes may be another page than the one it was written on.
  if (wrong) keep(wrong);
}

// Completing names after @ (or in a field of names) and cards after #

const roster = () => JSON.parse(document.querySelector("[data-roster]")?.dataset.roster || "[]");
const MOST_HEIGHT = 260;
let popup = null;

const closePopup = () => {
  popup?.list.remove();
  popup?.field.removeAttribute("aria-activedescendant");
  popup?.field.removeAttribute("aria-expanded");
  popup = null;
};

const wordAt = (field) => {
  const before = field.value.slice(0, field.selectionStart);
  const people = field.dataset.completes === "people";
  const found = before.match(people ? /([^,;\s]*)$/ : /(?:^|[\s([{"'])([@#][\p{L}\p{N}._-]*)$/u);
  if (!found) return null;
  const word = found[1];
  const sign = people ? "" : word[0];
  return { start: before.length - word.length, word: people ? word.replace(/^@/, "") : word.slice(1), sign };
};

const peopleLike = (word, sign) => {
  const wanted = word.toLowerCase();
  const names = sign ? [...roster(), "all"] : roster();
  const starts = names.filter((name) => name.toLowerCase().startsWith(wanted));
  const holds = names.filter((name) => !starts.includes(name) && name.toLowerCase().includes(wanted));
  return [...starts, ...holds].slice(0, 8).map((name) => ({ value: name, text: name }));
};

let asked = 0;
const cardsLike = async (word) => {
  const url = document.querySelector("[data-cards]")?.dataset.cards;
  if (!url) return [];
  const answer = await fetch(`${url}?q=${encodeURIComponent(word)}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return [];
  const { items } = await answer.json();
  return items.map((card) => ({ value: String(card.number), text: card.subject, number: card.number }));
};

const complete = async (field) => {
  const at = wordAt(field);
  const turn = ++asked;
  if (!at || (!at.word && !at.sign)) return closePopup();
  const items = at.sign === "#" ? await cardsLike(at.word) : peopleLike(at.word, at.sign);
  if (turn !== asked || document.activeElement !== field) return;
  closePopup();
  if (!items.length || (items.length === 1 && items[0].value.toLowerCase() === at.word.toLowerCase() && !at.sign)) return;
  const list = document.createElement("ul");
  list.className = "menu completes";
  list.id = "completes";
  list.setAttribute("role", "listbox");
  items.forEach((item, index) => {
    const row = document.createElement("li");
    row.className = "menu-item";
    row.id = `completes-${index}`;
    row.setAttribute("role", "option");
    if (item.number) {
      const number = document.createElement("span");
      number.className = "num";
      number.textContent = `#${item.number}`;
      row.append(number);
    }
    row.append(document.createTextNode(item.text));
    row.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(index);
    });
    list.append(row);
  });
  // Nothing around the field cuts off what lies in the top layer.
  list.popover = "manual";
  field.after(list);
  list.showPopover();
  popup = { list, field, items, at, index: 0 };
  lay();
  field.setAttribute("aria-expanded", "true");
  field.setAttribute("aria-controls", "completes");
  point(0);
};

// Under the field, or over it where that leaves more room.
const lay = () => {
  if (!popup) return;
  const { list, field } = popup;
  const box = field.getBoundingClientRect();
  const [over, under] = [box.top - 8, innerHeight - box.bottom - 8];
  const isUnder = under >= Math.min(list.scrollHeight, MOST_HEIGHT) || under >= over;
  list.style.maxHeight = `${Math.min(MOST_HEIGHT, isUnder ? under : over)}px`;
  list.style.left = `${Math.max(8, Math.min(box.left, innerWidth - list.offsetWidth - 8))}px`;
  list.style.top = `${isUnder ? box.bottom + 4 : box.top - list.offsetHeight - 4}px`;
};
addEventListener("resize", lay);
document.addEventListener("scroll", (event) => event.target !== popup?.list && lay(), true);

const point = (index) => {
  const count = popup.items.length;
  popup.index = (index + count) % count;
  [...popup.list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === popup.index)));
  popup.list.children[popup.index].scrollIntoView({ block: "nearest" });
  popup.field.setAttribute("aria-activedescendant", `completes-${popup.index}`);
};

const take = (index) => {
  const { field, items, at } = popup;
  const end = field.selectionStart;
  const text = at.sign ? `${at.sign}${items[index].value} ` : `${items[index].value}, `;
  field.setRangeText(text, at.start, end, "end");
  closePopup();
  field.dispatchEvent(new Event("input", { bubbles: true }));
};

document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-completes]")) complete(event.target);
});
document.addEventListener("keydown", (event) => {
  if (!popup || event.target !== popup.field) return;
  const act = {
    ArrowDown: () => point(popup.index + 1),
    ArrowUp: () => point(popup.index - 1),
    Enter: () => take(popup.index),
    Tab: () => take(popup.index),
    Escape: closePopup,
  }[event.key];
  if (!act || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  act();
}, true);
document.addEventListener("focusout", () => setTimeout(() => popup && document.activeElement !== popup.field && closePopup(), 50));

app.drafts = { restore: restoreDrafts, forget };

// Asking somebody without leaving the page: the composer as a dialog

const asking = document.createElement("dialog");
asking.id = "ask";
asking.className = "dialog";
asking.setAttribute("aria-labelledby", "ask-title");
document.body.append(asking);

app.ask = async (url) => {
  if (asking.open) return;
  asking.replaceChildren();
  await app.load(url, "#ask");
  const form = asking.querySelector("form");
  if (!form) return;
  restoreDrafts();
  app.open(asking);
  const first = form.elements.to.value ? form.elements.body : form.elements.to;
  first.focus();
  first.setSelectionRange?.(first.value.length, first.value.length);
};
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-asks]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  app.ask(link.href);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, successful } = event.detail;
  if (elt.id !== "ask-form" || !successful) return;
  forget(elt);
  app.toast("Sent.", { tone: "ok", hint: `To ${elt.elements.to.value.replace(/[,\s]+$/, "")}` });
  asking.close();
});
