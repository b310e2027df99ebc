/**
 * Choosing several files: by the box of each card, with Shift a run of them, by Space on a card that has the focus,
 * all with Ctrl A, none with Escape. What is chosen stays chosen while more cards are loaded.
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
  bar.querySelector("[data-batch]").hidden = !pairs;
  const form = document.getElementById("delete-many");
  form.querySelectorAll('[name="ids"]').forEach((field) => field.remove());
  for (const id of chosen.keys()) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "ids", value: id });
    form.append(field);
  }
}

function none() {
  boxes().forEach((box) => set(box, false));
  chosen.clear();
  show();
}

document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-choose]");
  if (box) {
    const all = boxes();
    if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, two) => one - two);
      all.slice(from, to + 1).forEach((one) => set(one, box.checked));
    } else set(box, box.checked);
    last = box;
    show();
  }
  if (event.target.closest("[data-unselect]")) none();
  if (event.target.closest("[data-batch]")) {
    location.assign(`${bar.dataset.batchUrl}?${new URLSearchParams([...chosen.keys()].map((id) => ["ids", id]))}`);
  }
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
  const card = event.target.closest?.(".asset a.thumb");
  if (event.key !== " " || !card || !keyIsFree(event)) return;
  event.preventDefault();
  const box = card.parentElement.querySelector("[data-choose]");
  set(box, !box.checked);
  last = box;
  show();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.id !== "delete-many" || !event.detail.successful) return;
  none();
  window.htmx.trigger(document.body, "studio:library");
});
// A card that was drawn anew keeps its tick.
document.addEventListener("htmx:load", () => {
  for (const box of boxes()) if (chosen.has(box.dataset.choose) !== box.checked) set(box, chosen.has(box.dataset.choose));
});
