// What keeps fresh by itself: ages, durations, who is there.

// The rules of apps/core/timetext.py and of the `due` tag, repeated.
const MINUTE = 60, HOUR = 3600, DAY = 86400;
const STEPS = [[HOUR, MINUTE, "min"], [DAY, HOUR, "h"], [14 * DAY, DAY, "d"], [70 * DAY, 7 * DAY, "w"], [730 * DAY, 30 * DAY, "mo"]];

app.ago = (elapsed) => {
  elapsed = Math.floor(elapsed);
  if (elapsed < MINUTE) return "just now";
  if (elapsed >= DAY && elapsed < 2 * DAY) return "yesterday";
  const step = STEPS.find(([limit]) => elapsed < limit);
  return step ? `${Math.floor(elapsed / step[1])} ${step[2]}` : `${Math.floor(elapsed / (365 * DAY))} y`;
};
app.before = (elapsed) => app.ago(elapsed).replace(/^\d.*/, "$& ago");
app.duration = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h ${String(Math.floor((whole % HOUR) / MINUTE)).padStart(2, "0")}`;
  return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / HOUR)} h`;
};
app.due = (day, now = new Date()) => {
  const then = new Date(`${day}T00:00:00Z`);
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  const days = Math.round((then - today) / 86400000);
  if (days < 0) return { text: `late ${-days} d`, late: true };
  if (days < 2) return { text: days ? "due tomorrow" : "due today", late: false };
  const part = (options) => then.toLocaleDateString("en-GB", { timeZone: "UTC", ...options });
  if (days < 7) return { text: `due ${part({ weekday: "short" })}`, late: false };
  const year = then.getUTCFullYear() === now.getUTCFullYear() ? "" : ` ${then.getUTCFullYear()}`;
  return { text: `due ${then.getUTCDate()} ${MONTHS[then.getUTCMonth()]}${year}`, late: false };
};
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const write = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};
app.freshen = (root = document) => {
  const now = Date.now();
  const since = (element) => (now - Date.parse(element.dateTime)) / 1000;
  for (const element of root.querySelectorAll("time[data-ago]")) {
    write(element, (element.dataset.ago ? app.before : app.ago)(since(element)));
  }
  for (const element of root.querySelectorAll("time[data-running]")) {
    write(element, app.duration(Number(element.dataset.running) + since(element)));
  }
  for (const element of root.querySelectorAll("time[data-due]")) {
    const { text, late } = app.due(element.dateTime);
    write(element, text);
    element.classList.toggle("late", late);
  }
  for (const element of root.querySelectorAll("time[data-waiting]")) {
    const limit = element.dataset.waiting === "" ? Infinity : Number(element.dataset.waiting);
    const over = since(element) - limit;
    element.classList.toggle("late", over >= 0);
    write(element, over >= 0 ? `late ${app.duration(over)}` : `waiting ${app.duration(since(element))}`);
  }
};
setInterval(() => app.refresh(), 20000);

// Presence: the page's list of people knows; every other dot of the same person follows it.

const presenceWords = ({ presenceSource: name, presence, seenAt }) => {
  if (!seenAt) return `${name} · ${presence}`;
  return `${name} · ${presence}, seen ${app.before((Date.now() - Date.parse(seenAt)) / 1000)}`;
};
app.showPresence = (root = document) => {
  const known = new Map();
  for (const person of document.querySelectorAll("[data-presence-source]")) {
    known.set(person.dataset.presenceSource, { state: person.dataset.presence, words: presenceWords(person.dataset) });
    person.title = presenceWords(person.dataset);
    person.querySelector(".dot").dataset.presence = person.dataset.presence;
  }
  if (!known.size) return;
  for (const dot of root.querySelectorAll("[data-presence-of]")) {
    const found = known.get(dot.dataset.presenceOf);
    if (!found) continue;
    if (dot.dataset.presence !== found.state) dot.dataset.presence = found.state;
    const host = dot.closest("[data-presence-host]");
    if (host && host.title !== found.words) host.title = found.words;
  }
};

app.refresh = (root = document) => {
  app.freshen(root);
  app.showPresence(root);
};
app.refresh();
for (const name of ["htmx:afterSettle", "htmx:oobAfterSwap", "htmx:wsAfterMessage"]) {
  document.addEventListener(name, () => app.refresh());
}
document.addEventListener("visibilitychange", () => document.hidden || app.refresh());
