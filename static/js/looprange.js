/** A range that loops: I and O set its ends at the playhead, X takes it away. */

import { timecode } from "./timecode.js";

export class LoopRange {
  #root;
  #transport;

  constructor(root, transport) {
    this.#root = root;
    this.#transport = transport;
    root.addEventListener("click", (event) => {
      if (event.target.closest('[data-do="clear-range"]')) this.clear();
    });
  }

  /** Begin the range here. */
  from() {
    const end = this.#transport.range?.[1] ?? this.#transport.duration;
    const at = this.#transport.frame / this.#transport.fps;
    this.#put(at, end > at ? end : this.#transport.duration);
  }

  /** End the range after the frame shown. */
  to() {
    const start = this.#transport.range?.[0] ?? 0;
    const at = (this.#transport.frame + 1) / this.#transport.fps;
    this.#put(start < at ? start : 0, at);
  }

  clear() {
    this.#transport.range = null;
    this.#show();
  }

  #put(from, to) {
    this.#transport.range = [from, to];
    this.#transport.loop = true;
    this.#root.querySelector('[data-do="loop"]')?.setAttribute("aria-pressed", "true");
    this.#show();
  }

  #show() {
    const { range, duration } = this.#transport;
    const chip = this.#root.querySelector("[data-range]");
    const band = this.#root.querySelector("[data-range-band]");
    if (chip) chip.hidden = !range;
    if (band) band.hidden = !range;
    if (!range) return;
    if (chip) chip.querySelector("[data-range-words]").textContent = `${timecode(range[0])}–${timecode(range[1])}`;
    band?.style.setProperty("left", `${(range[0] / duration) * 100}%`);
    band?.style.setProperty("width", `${((range[1] - range[0]) / duration) * 100}%`);
  }
}
