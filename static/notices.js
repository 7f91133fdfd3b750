// Announces in the browser what came to me while no page of mine is looked at. The number of the
// last one is shared by all tabs, so that nothing is announced twice.
"use strict";

(() => {
  const KEY = "notices-last";
  const can = "Notification" in window;
  const read = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const write = (last) => {
    try {
      localStorage.setItem(KEY, String(last));
    } catch {
      // Then a second tab may announce it too; the tag makes the browser show it once.
    }
  };

  const news = async () => {
    const answer = await fetch(`/inbox/news/?after=${read() || ""}`, { headers: { Accept: "application/json" } });
    if (!answer.ok || app.loggedOut(answer.url)) return;
    const { items, last } = await answer.json();
    const before = read();
    if (before !== null && last <= Number(before)) return;
    write(last);
    if (before === null || !document.hidden) return;
    for (const item of items) {
      const notice = new Notification(item.title, { body: item.text, tag: `message-${item.id}` });
      notice.onclick = () => {
        focus();
        location.assign(item.url);
      };
    }
  };

  let soon = null;
  const later = () => {
    clearTimeout(soon);
    soon = setTimeout(() => news().catch(() => {}), 400);
  };
  if (can && Notification.permission === "granted") {
    document.body.addEventListener("news-inbox", later);
    if (read() === null) later();
  }

  // The page of the switches asks for leave, and says why it cannot.
  const box = document.getElementById("browser-notices");
  if (!box) return;
  const show = () => {
    const state = can && window.isSecureContext ? Notification.permission : "missing";
    const words = {
      granted: "This browser announces what comes while you look elsewhere.",
      denied: "This browser was told not to announce anything; its site settings can change that.",
      default: "This browser may announce what comes while you look elsewhere.",
      missing: "Browsers announce only for sites reached over HTTPS or on this machine itself.",
    };
    box.querySelector("[data-says]").textContent = words[state];
    box.querySelector("button").hidden = state !== "default";
    box.hidden = false;
  };
  box.addEventListener("click", async (event) => {
    if (!event.target.closest("[data-allow-notices]")) return;
    await Notification.requestPermission();
    show();
    later();
  });
  show();
})();
