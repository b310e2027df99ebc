/**
 * Choosing several files: by the box of each card, with Shift a run of them; by the arrow keys from card to card, Space
 * to choose the one that has the focus, Shift and Space a run; all with Ctrl A, none with Escape, Delete deletes them.
 * What is chosen stays chosen while more cards are loaded.
 */

import { keyIsFree } from "./shell.js";

const bar = document.getElementById("selection");
const chosen = new Map();
let last = null;

const boxes = () => [...document.querySelectorAll("[data-choose]")];

function set(box, on) {
  box.checked = on;
  box.closest(".asset").classList.toggle("chosen", on);
  if (on) chosen.set(box.dataset.choose, box.dataset.kind);
  else chosen.delete(box.dataset.choose);
}

function show() {
  bar.hidden = chosen.size === 0;
  document.body.classList.toggle("choosing", chosen.size > 0);
  bar.querySelector("[data-selected]").textContent = `${chosen.size} chosen`;
  const kinds = new Set(chosen.values());
  const pairs = kinds.has("audio") && (kinds.has("video") || kinds.has("image"));
  document.getElementById("batch-many").hidden = !pairs;
  for (const form of bar.querySelectorAll("form")) {
    form.querySelectorAll('[name="ids"]').forEach((field) => field.remove());
    for (const id of chosen.keys()) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "ids", value: id });
      form.append(field);
    }
  }
}

function none() {
  boxes().forEach((box) => set(box, false));
  chosen.clear();
  show();
}

/** Choose a card or not, with `run` all from the last one on. */
function choose(box, on, run) {
  const all = boxes();
  if (run && last && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, two) => one - two);
    all.slice(from, to + 1).forEach((one) => set(one, on));
  } else set(box, on);
  last = box;
  show();
}

/** The card that lies next in the direction of an arrow: in the same row, or nearest in the row above or below. */
function neighbour(card, key) {
  const cards = [...document.querySelectorAll(".asset a.thumb")];
  const at = cards.indexOf(card);
  if (key === "ArrowLeft") return cards[at - 1];
  if (key === "ArrowRight") return cards[at + 1];
  const from = card.getBoundingClientRect();
  const down = key === "ArrowDown";
  const rows = cards.map((one) => [one, one.getBoundingClientRect()])
    .filter(([, place]) => (down ? place.top > from.top + 1 : place.top < from.top - 1));
  const row = (down ? Math.min : Math.max)(...rows.map(([, place]) => place.top));
  return rows.filter(([, place]) => Math.abs(place.top - row) < 2)
    .sort((one, two) => Math.abs(one[1].left - from.left) - Math.abs(two[1].left - from.left))[0]?.[0];
}

document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-choose]");
  if (box) choose(box, box.checked, event.shiftKey);
  if (event.target.closest("[data-unselect]")) none();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen.size && !document.querySelector("dialog:modal, [popover]:popover-open")) {
    none();
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key === "a" && !event.target.closest("input:not([type=checkbox]), textarea, dialog")) {
    event.preventDefault();
    boxes().forEach((box) => set(box, true));
    show();
    return;
  }
  if (!keyIsFree(event)) return;
  if (event.key === "Delete" && chosen.size) {
    document.getElementById("delete-many").requestSubmit();
    return;
  }
  const card = event.target.closest?.(".asset a.thumb");
  if (!card) return;
  if (event.key === " ") {
    event.preventDefault();
    const box = card.parentElement.querySelector("[data-choose]");
    choose(box, event.shiftKey || !box.checked, event.shiftKey);
  } else if (event.key.startsWith("Arrow")) {
    const next = neighbour(card, event.key);
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
});

document.addEventListener("htmx:afterRequest", (event) => {
  // What was deleted in its drawer is chosen no more: with it none of the others could be deleted.
  const gone = event.target.closest?.("[data-deletes]")?.dataset.deletes;
  if (gone && event.detail.successful && chosen.delete(gone.replace("asset-", ""))) show();
  if (event.target.id !== "delete-many" || !event.detail.successful) return;
  none();
  window.htmx.trigger(document.body, "studio:library");
});
// A card that was drawn anew keeps its tick.
document.addEventListener("htmx:load", () => {
  for (const box of boxes()) if (chosen.has(box.dataset.choose) !== box.checked) set(box, chosen.has(box.dataset.choose));
});
