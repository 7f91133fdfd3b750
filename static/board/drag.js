// Dragging: a mouse takes a card at once, a finger after a long press.
import { cardOf, cardsIn, columns, copyOf, drops, listOf, mayMove, mayOrder, page, root, titleOf } from "./parts.js";
import { moveTo } from "./moves.js";
import { hand, newest, place, settle } from "./place.js";

const HOLD_MS = 280, SLACK = 6, EDGE = 56;
let pressed = null, drag = null;

const start = (event) => {
  const { card } = pressed;
  const box = card.getBoundingClientRect();
  const ghost = card.cloneNode(true);
  ghost.removeAttribute("id");
  ghost.classList.add("ghost");
  ghost.style.width = `${box.width}px`;
  document.body.append(ghost);
  const line = document.createElement("div");
  line.className = "drop-line";
  drag = { number: Number(card.dataset.task), from: card.dataset.in, ghost, line, dx: event.clientX - box.left, dy: event.clientY - box.top, x: event.clientX, y: event.clientY };
  Object.assign(hand, { number: drag.number, missed: false });
  card.classList.add("is-dragging");
  root().classList.add("is-dragging-over");
  for (const column of columns) {
    const open = column === drag.from ? mayOrder : Boolean(drops[drag.from][column]);
    document.getElementById(`column-${column}`).classList.add(open ? "is-open-for-drop" : "is-closed-for-drop");
  }
  getSelection().removeAllRanges();
  app.announce(`Dragging ${titleOf(card)}. Escape puts it back.`);
  follow();
  drag.frame = requestAnimationFrame(scroll);
};

const follow = () => {
  const { ghost, x, y, dx, dy } = drag;
  ghost.style.transform = `translate(${x - dx}px, ${y - dy}px) rotate(1.2deg)`;
  // A short column takes a drop along its whole height of the board.
  const area = root().getBoundingClientRect();
  const within = (box) => x >= box.left && x <= box.right;
  const inside = within(area) && y >= area.top && y <= area.bottom;
  const under = inside && [...root().querySelectorAll(".column")].find((one) => within(one.getBoundingClientRect()));
  drag.column = under ? under.dataset.column : null;
  const isOpen = under && under.classList.contains("is-open-for-drop");
  if (!isOpen) {
    drag.line.remove();
    return;
  }
  const list = listOf(drag.column);
  const cards = cardsIn(list).filter((card) => Number(card.dataset.task) !== drag.number);
  const next = cards.find((card) => {
    const box = card.getBoundingClientRect();
    return y < box.top + box.height / 2;
  });
  const anchor = next || list.querySelector(":scope > .show-more");
  if (drag.line.parentElement !== list || drag.line.nextElementSibling !== (anchor || null)) list.insertBefore(drag.line, anchor || null);
};

const scroll = () => {
  if (!drag) return;
  const push = (at, low, high) => (at < low + EDGE ? at - low - EDGE : at > high - EDGE ? at - high + EDGE : 0) / 4;
  const board = root().getBoundingClientRect();
  // On a phone a column fills the screen: slowly enough to stop at the next one.
  const across = push(drag.x, board.left, board.right) / 3;
  if (across && Math.abs(across) < EDGE) root().scrollLeft += across;
  const list = drag.column && listOf(drag.column);
  if (list) {
    const box = list.getBoundingClientRect();
    const down = push(drag.y, box.top, box.bottom);
    if (down) list.scrollTop += down;
  }
  if (across || list) follow();
  drag.frame = requestAnimationFrame(scroll);
};

const end = ({ dropped }) => {
  const { number, line, ghost, frame, column } = drag;
  const { missed } = hand;
  const list = line.parentElement;
  const cards = list ? cardsIn(list).filter((card) => Number(card.dataset.task) !== number) : [];
  const next = line.nextElementSibling;
  const anchor = cards.find((card) => card === next || (next && line.compareDocumentPosition(card) & Node.DOCUMENT_POSITION_FOLLOWING)) || null;
  const previous = anchor ? null : cards.at(-1);
  line.remove();
  ghost.remove();
  cancelAnimationFrame(frame);
  drag = pressed = null;
  Object.assign(hand, { number: null, missed: false });
  hand.justLetGo = true;
  setTimeout(() => (hand.justLetGo = false), 0);
  root().classList.remove("is-dragging-over");
  for (const one of root().querySelectorAll(".column")) one.classList.remove("is-open-for-drop", "is-closed-for-drop");
  if (missed) place(copyOf(newest.get(number).html));
  const card = cardOf(number);
  if (!card) return settle();
  card.classList.remove("is-dragging");
  if (!dropped || !column) return settle();
  if (column === card.dataset.in && !list) return settle();
  const same = column === card.dataset.in && (anchor ? anchor.previousElementSibling === card : !card.nextElementSibling?.matches(".card"));
  if (same) return settle();
  moveTo(card, column, { before: anchor?.dataset.task, after: previous?.dataset.task, list, anchor });
};

const letGo = () => {
  clearTimeout(pressed?.timer);
  pressed = null;
};

page.addEventListener("pointerdown", (event) => {
  const card = event.target.closest(".card");
  if (!mayMove || !card || event.button || event.target.closest("button, input, select") || event.ctrlKey || event.metaKey) return;
  pressed = { card, id: event.pointerId, x: event.clientX, y: event.clientY, touch: event.pointerType === "touch" };
  if (pressed.touch) {
    pressed.timer = setTimeout(() => {
      if (!pressed || !pressed.card.isConnected) return;
      navigator.vibrate?.(12);
      start({ clientX: pressed.x, clientY: pressed.y });
    }, HOLD_MS);
  }
});
addEventListener("pointermove", (event) => {
  if (!pressed || event.pointerId !== pressed.id) return;
  if (drag) {
    drag.x = event.clientX;
    drag.y = event.clientY;
    follow();
    return;
  }
  const moved = Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y);
  if (moved < SLACK) return;
  if (pressed.touch || !pressed.card.isConnected) return letGo();
  start(event);
});
addEventListener("pointerup", (event) => {
  if (drag && pressed?.id === event.pointerId) end({ dropped: true });
  else letGo();
});
addEventListener("pointercancel", () => (drag ? end({ dropped: false }) : letGo()));
addEventListener("blur", () => drag && end({ dropped: false }));
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !drag) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  end({ dropped: false });
}, true);
// A finger that holds a card must not scroll the page, nor call the browser's own menu.
page.addEventListener("touchmove", (event) => drag && event.preventDefault(), { passive: false });
page.addEventListener("contextmenu", (event) => (pressed?.touch || drag) && event.preventDefault());
page.addEventListener("dragstart", (event) => event.preventDefault());
