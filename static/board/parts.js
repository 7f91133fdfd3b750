// What the board consists of: its columns, lists and cards, and the table of moves it carries.
export const page = document.querySelector(".board-page");
export const drawer = document.getElementById("drawer");
export const root = () => document.getElementById("board");
export const base = root().dataset.base;
export const drops = JSON.parse(root().dataset.drops);
export const why = JSON.parse(root().dataset.why);
export const columns = Object.keys(drops);
export const mayOrder = root().hasAttribute("data-orders");
const isOpen = mayOrder || columns.some((from) => Object.keys(drops[from]).length);
export const mayMove = isOpen && ["work", "manage_tasks", "review"].some((right) => app.can.has(right));

export const listOf = (column) => root().querySelector(`[data-list="${column}"]`);
export const cardOf = (number) => document.getElementById(`card-${number}`);
export const cardsIn = (list) => [...list.querySelectorAll(":scope > .card")];
export const titleOf = (card) => card.querySelector(".card-title").textContent;
export const nameOf = (column) => document.getElementById(`name-${column}`).textContent;
export const rankOf = (card) => [Number(card.dataset.rank), Number(card.dataset.task)];
export const isBefore = ([rank, number], [otherRank, other]) => rank < otherRank || (rank === otherRank && number < other);

export const versionOf = (card) => Number(card.dataset.version);
export const copyOf = (html) => {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content.firstElementChild;
};
export const taskUrl = (number, verb = "") => `${base}tasks/${number}/${verb ? `${verb}/` : ""}`;
export const boardUrl = () => base + (root().dataset.filtered ? `?${root().dataset.filtered}` : "");
