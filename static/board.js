// The board. Its parts are modules beside this file; other scripts of the page reach it as `board`.
import { root } from "./board/parts.js";
import { here } from "./board/focus.js";
import { dress, place, settle } from "./board/place.js";
import "./board/drag.js";
import "./board/drawer.js";
import "./board/filters.js";
import "./board/keys.js";

window.board = { place, settle, current: here };
for (const card of root().querySelectorAll(".card")) dress(card);
settle();
