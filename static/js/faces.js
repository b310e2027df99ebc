/**
 * The faces in the picture: a box over each at the playhead, to choose who gets the new lips by a click, by Tab and
 * Enter, or by the arrow keys from box to box. Where a box is comes from the footage check, five times a second.
 */

import { keyIsFree } from "./shell.js";

const kept = new Map();

async function placesOf(address) {
  if (!kept.has(address)) {
    kept.set(address, fetch(address).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null));
  }
  return kept.get(address);
}

export class Faces {
  #transport;
  #choose;
  #facts = null;
  #places = null;

  /** @param transport  the clock  @param {(id: number) => void} choose  what a click on a face does */
  constructor(transport, choose) {
    this.#transport = transport;
    this.#choose = choose;
    for (const event of ["time", "state"]) transport.addEventListener(event, () => this.draw());
    document.addEventListener("click", (event) => {
      const box = event.target.closest("[data-face]");
      if (box && !box.disabled) this.#choose(Number(box.dataset.face));
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    for (const [name, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
      document.addEventListener(name, (event) => this.#light(event.target.closest?.("[data-light]"), on));
    }
    new ResizeObserver(() => this.draw()).observe(document.getElementById("stage"));
  }

  async setFacts(facts) {
    this.#facts = facts;
    // One face needs no choice.
    const address = facts.people.length > 1 ? (facts.video?.faces ?? "") : "";
    const places = address ? await placesOf(address) : null;
    if (this.#facts !== facts) return;
    this.#places = places;
    const video = document.getElementById("stage-video");
    if (video && !video.dataset.faces) {
      video.dataset.faces = "yes";
      for (const event of ["seeked", "loadedmetadata"]) video.addEventListener(event, () => this.draw());
    }
    this.draw();
  }

  draw() {
    const layer = document.querySelector("[data-face-layer]");
    const video = document.getElementById("stage-video");
    if (!layer || !video) return;
    layer.classList.toggle("playing", this.#transport.playing);
    const shown = this.#places && video.videoWidth ? this.#boxesAt(video.currentTime) : [];
    const area = pictureIn(video);
    for (const old of layer.querySelectorAll("[data-face]")) {
      if (!shown.some(({ id }) => String(id) === old.dataset.face)) old.remove();
    }
    for (const { id, called, box } of shown) {
      const button = layer.querySelector(`[data-face="${id}"]`) ?? layer.appendChild(this.#button(id));
      const pressed = this.#facts.chosen === id;
      button.setAttribute("aria-pressed", String(pressed));
      button.setAttribute("aria-label", pressed ? `${called} gets the new lips` : `Give ${called} the new lips`);
      button.firstChild.textContent = called;
      const [left, top] = [area.left + box[0] * area.width, area.top + box[1] * area.height];
      const put = { left, top, width: box[2] * area.width, height: box[3] * area.height };
      for (const [name, value] of Object.entries(put)) button.style.setProperty(name, `${value.toFixed(1)}px`);
      button.classList.toggle("below", top < 26);
    }
  }

  #button(id) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "face-box";
    button.dataset.face = String(id);
    button.append(document.createElement("span"));
    button.disabled = !document.querySelector("[data-person]"); // who may not edit looks on
    return button;
  }

  #boxesAt(seconds) {
    const row = Math.round(seconds * this.#places.rate);
    return this.#facts.people.flatMap(({ id, called }) => {
      const boxes = this.#places.people.find((person) => person.id === id)?.boxes ?? [];
      const box = boxes[Math.min(row, boxes.length - 1)];
      return box ? [{ id, called, box }] : [];
    });
  }

  #light(card, on) {
    if (!card) return;
    document.querySelector(`[data-face="${card.dataset.light}"]`)?.classList.toggle("lit", on);
  }

  /** Left and right from face to face, in the order in which they stand in the picture. */
  #key(event) {
    const box = event.target.closest?.("[data-face]");
    const way = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!box || !way || !keyIsFree(event)) return;
    event.preventDefault();
    const all = [...box.parentElement.querySelectorAll("[data-face]")].sort((one, two) => one.offsetLeft - two.offsetLeft);
    all[(all.indexOf(box) + way + all.length) % all.length].focus();
  }
}

/** Where the picture lies inside its element: bars are left where their proportions differ. */
function pictureIn(video) {
  const scale = Math.min(video.clientWidth / video.videoWidth, video.clientHeight / video.videoHeight);
  const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
  return {
    left: video.offsetLeft + (video.clientWidth - width) / 2,
    top: video.offsetTop + (video.clientHeight - height) / 2,
    width,
    height,
  };
}
