// Follows the journal: reconnects from the page's newest number, says how live the page is,
// and tells whoever asked for a topic that there is news about it.

const live = (window.live = { ended: false });
const cursor = () => document.getElementById("cursor");
const marked = () => Number(cursor()?.dataset.seq || 0);
// A page about all my teams counts the lines of their journals together; nothing is replayed to it.
const ofTeam = Boolean(document.querySelector('[ws-connect*="after="]'));
let at = marked();

const WORDS = { live: "Live", "catching-up": "Catching up…", offline: "Offline" };
let note = null;

live.show = (state, word = WORDS[state]) => {
  document.body.dataset.live = state;
  clearTimeout(note);
  const place = document.querySelector("#live-state .live-word");
  if (place && place.textContent !== word) place.textContent = word;
};

const brief = (word) => {
  live.show("live", word);
  note = setTimeout(() => document.body.dataset.live === "live" && live.show("live"), 6000);
};

// The extension's own retry can be neither hurried nor called off, so it is put off for good and
// done here: short at first, so that a restarted server is followed at once, then up to ten seconds.
htmx.config.wsReconnectDelay = () => 2 ** 31 - 1;
let tries = 0, retry = null, leaving = false, away = false, opened = false;
const delay = () => Math.min(10000, 400 * 2 ** Math.min(tries, 6)) * (0.6 + Math.random() * 0.4);

const reconnect = () => {
  clearTimeout(retry);
  if (live.ended || leaving || live.socket.readyState < WebSocket.CLOSING) return;
  tries += 1;
  live.wrapper.reconnect();
};

htmx.createWebSocket = (url) => {
  const address = new URL(url, location.href);
  if (ofTeam) address.searchParams.set("after", String(at));
  opened = false;
  live.socket = new WebSocket(address);
  return live.socket;
};

document.addEventListener("htmx:wsOpen", () => {
  opened = true;
  live.show("catching-up");
});

const seatEnded = () => {
  live.ended = true;
  live.show("offline", "Your seat in this team has ended");
  app.toast("Your seat in this team has ended.", { hint: "A leader can give it back. This page no longer follows the team." });
};
const loggedOut = () => {
  live.ended = true;
  live.show("offline", "Logged out");
  if (!isBusy()) return location.reload();
  app.toast("You are logged out.", { hint: "Copy what you were writing, then reload the page to log in." });
};

// A server that answers but lets no socket in: is it the login that is over, or the seat?
const askWhy = async () => {
  if (!navigator.onLine) return;
  const answer = await fetch(location.href, { method: "HEAD" }).catch(() => null);
  if (answer?.redirected && app.loggedOut(answer.url)) loggedOut();
  else if (answer?.status === 404 && ofTeam && !live.ended) seatEnded();
};

document.addEventListener("htmx:wsClose", (event) => {
  const closed = event.detail.event;
  live.wrapper = event.detail.socketWrapper;
  if (closed.target !== live.socket || leaving) return;
  away = true;
  if (closed.code === 4003) return seatEnded();
  if (closed.code === 4001) return loggedOut();
  if (document.body.dataset.live !== "offline") live.show("offline");
  if (!opened && tries) askWhy();
  clearTimeout(retry);
  retry = setTimeout(reconnect, delay());
});

addEventListener("pagehide", () => (leaving = true));
addEventListener("pageshow", (event) => event.persisted && location.reload());
addEventListener("submit", (event) => {
  // The answer is a page of its own; a reload meanwhile would call it off.
  if (event.defaultPrevented || event.target.method === "dialog") return;
  sending = true;
  setTimeout(() => (sending = false), 10000);
});
addEventListener("offline", () => {
  away = true;
  live.show("offline");
  live.socket?.close(4000);
});
addEventListener("online", () => live.wrapper && reconnect());

// A page that offers other things now is loaded anew, once nothing is being written on it.
let outdated = null, sending = false;
const isBusy = () => sending || Boolean(document.querySelector("dialog[open]")) || app.isWritten(document);
const reload = () => {
  if (leaving || live.ended) return;
  if (!isBusy()) return location.reload();
  live.show("live", "Reloads when you are done");
  clearTimeout(outdated);
  outdated = setTimeout(reload, 1000);
};

document.addEventListener("htmx:wsAfterMessage", (event) => {
  const { message } = event.detail;
  if (message.includes('id="news"')) {
    const { topics, count } = document.getElementById("news").dataset;
    if (!ofTeam) at += Number(count);
    spread(topics.split(/\s+/).filter(Boolean));
  }
  if (message.includes('id="presence"')) present();
  if (!message.includes('id="cursor"')) return;
  const missed = marked() - at;
  at = marked();
  tries = 0;
  if ("reload" in cursor().dataset) return reload();
  if (!ofTeam && missed) askAnew();
  if (away && missed > 0) brief(`Caught up on ${missed} ${missed === 1 ? "change" : "changes"}`);
  else if (document.body.dataset.live !== "live") live.show("live");
  away = false;
});

// A part that is being read while there is more news may get an answer from before it. Where the
// answer takes its place, htmx forgets what the old one heard meanwhile.
const behind = new Set();
const tell = (name) => {
  for (const part of document.querySelectorAll(`.htmx-request[hx-trigger*="news-${name}"]`)) behind.add(part);
  document.body.dispatchEvent(new CustomEvent(`news-${name}`));
};
document.addEventListener("htmx:afterRequest", (event) => {
  const part = event.detail.requestConfig?.elt;
  if (behind.delete(part) && !part.isConnected) tell(topicsOf(part)[0]);
});
// Where something takes the place of a part that is being read, the answer that is still to come has
// none any more: it is dropped, and what stands there then reads again.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { requestConfig, target, shouldSwap } = event.detail;
  if (!shouldSwap) return;
  for (const part of [target, ...target.querySelectorAll(".htmx-request")]) {
    if (part === requestConfig?.elt || !part.matches('.htmx-request[hx-trigger*="news-"]')) continue;
    part.addEventListener("htmx:beforeOnLoad", (late) => late.preventDefault(), { once: true });
    setTimeout(() => tell(topicsOf(part)[0]), 0);
  }
});
// What was sent may be gone from the page when its answer comes: news took its place. It is put aside
// until the answer is read, since htmx looks from there for where things go and who is told, and
// what the answer is to replace is what stands there now. A part that was only read was read anew.
document.addEventListener("htmx:beforeSend", ({ detail }) => {
  const { elt, xhr, requestConfig } = detail;
  const swap = elt.closest("[hx-swap]")?.getAttribute("hx-swap");
  xhr.addEventListener("readystatechange", () => {
    if (xhr.readyState !== XMLHttpRequest.DONE) return;
    const counts = elt.isConnected || requestConfig.verb !== "get";
    if (counts && !detail.target.isConnected) detail.target = document.getElementById(detail.target.id) || detail.target;
    if (elt.isConnected) return;
    const aside = Object.assign(document.createElement("div"), { hidden: true });
    if (swap) aside.setAttribute("hx-swap", swap);
    aside.append(elt);
    document.body.append(aside);
    xhr.addEventListener("loadend", () => aside.remove());
  });
});
// "inbox@hal" is news about hal's inbox only; a page that is nobody's in particular hears them all.
const spread = (topics) => {
  const me = document.body.dataset.me;
  const mine = topics.map((topic) => topic.split("@")).filter(([, whose]) => !whose || !me || whose === me);
  for (const topic of new Set(mine.map(([name]) => name))) tell(topic);
};
// Every part that follows news, or one of them, reads again.
const topicsOf = (part) => part.getAttribute("hx-trigger").match(/news-[\w-]+/g).map((name) => name.slice(5));
const askAnew = (parts = document.querySelectorAll('[hx-trigger*="news-"]')) => {
  for (const topic of new Set([...parts].map((part) => topicsOf(part)[0]))) tell(topic);
};

// Who is there changes because time passes, without a line in the journal.
const present = () => {
  for (const row of document.getElementById("presence").dataset.members.split("\n")) {
    const [name, state, seen] = row.split("|");
    for (const person of document.querySelectorAll("[data-presence-source]")) {
      if (person.dataset.presenceSource === name) Object.assign(person.dataset, { presence: state, seenAt: seen });
    }
    for (const words of document.querySelectorAll("[data-seen-of]")) {
      const time = words.dataset.seenOf === name && seen && words.querySelector("time");
      if (time) time.dateTime = seen;
    }
  }
  app.refresh();
};

// Fragments may name parts that this page does not show; htmx would call that an error.
const strip = (text) => {
  if (!text.includes("hx-swap-oob")) return text;
  const holder = document.createElement("template");
  holder.innerHTML = text;
  for (const part of [...holder.content.children]) {
    if (part.getAttribute("hx-swap-oob") !== "true") continue;
    if (part.matches(".card[data-task]")) {
      part.remove();
      window.board?.place(part);
    } else if (!document.getElementById(part.id)) {
      part.remove();
    }
  }
  return holder.innerHTML;
};
htmx.defineExtension("place", { transformResponse: strip });

// For answers that were fetched without htmx.
app.apply = (text) => {
  const rest = strip(text);
  if (rest.trim()) htmx.swap(document.getElementById("live"), rest, { swapStyle: "none" });
};

// What somebody is writing is never replaced under their hands, except by the answer to it. The
// part that was kept reads again when they are done.
let sent = null;
const kept = new Set();
const isWriting = (part) =>
  Boolean(part.querySelector("details.editor[open], details.dropdown[open] form")) || (app.typing() && part.contains(document.activeElement));
const keep = (detail) => {
  detail.shouldSwap = false;
  kept.add(detail.target);
};
document.addEventListener("htmx:beforeSwap", (event) => {
  const { requestConfig, target } = event.detail;
  sent = requestConfig && requestConfig.verb !== "get" ? requestConfig.elt : null;
  if (target.id === "side" && isWriting(target)) keep(event.detail);
});
document.addEventListener("htmx:afterRequest", () => (sent = null));
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target } = event.detail;
  if (isWriting(target) && !target.contains(sent)) keep(event.detail);
}, true);
const release = () => setTimeout(() => {
  const done = [...kept].filter((part) => !part.isConnected || !isWriting(part));
  for (const part of done) kept.delete(part);
  const sources = done.filter((part) => part.isConnected).map((part) => part.closest('[hx-trigger*="news-"]'));
  askAnew(sources.filter(Boolean));
}, 0);
document.addEventListener("focusout", release);
document.addEventListener("toggle", release, true);

// The title carries how much needs me and how much is unread: “(2, 3 new) Board”.
live.bareTitle = () => document.title.replace(/^\(\d+(?: new|, \d+ new)?\) /, "");
live.title = (bare) => {
  const { needs, unread } = document.getElementById("side")?.dataset || {};
  const counts = [Number(needs) ? needs : "", Number(unread) ? `${unread} new` : ""].filter(Boolean);
  document.title = counts.length ? `(${counts.join(", ")}) ${bare}` : bare;
};

// A frame that came anew learns again where it is.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "side") {
    for (const link of event.target.querySelectorAll("a.side-link")) {
      if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    }
  }
  live.title(live.bareTitle());
});
