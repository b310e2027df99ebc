/** Undo and redo of the draft: each change of the form is a step; going back posts the form as it was. */

export class History {
  #form;
  #segments;
  #past = [];
  #future = [];
  #now;

  /** @param {HTMLFormElement} form  @param {import("./segments.js").Segments} segments */
  constructor(form, segments) {
    this.#form = form;
    this.#segments = segments;
    this.#now = this.#read();
    form.addEventListener("change", () => this.#changed());
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-history]");
      if (button) this.go(button.dataset.history);
    });
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "z") return;
      if (event.target.closest("input:not([type=radio], [type=checkbox], [type=range]), textarea")) return;
      event.preventDefault();
      this.go(event.shiftKey ? "redo" : "undo");
    });
  }

  #read() {
    const kept = {};
    for (const [name, value] of new FormData(this.#form)) {
      if (name === "model" || name === "sync_mode" || name === "segments" || name.startsWith("option-")) kept[name] = value;
    }
    return kept;
  }

  #changed() {
    const next = this.#read();
    if (JSON.stringify(next) === JSON.stringify(this.#now)) return;
    this.#past.push(this.#now);
    this.#future = [];
    this.#now = next;
    this.#show();
  }

  go(where) {
    const [from, to] = where === "undo" ? [this.#past, this.#future] : [this.#future, this.#past];
    if (!from.length) return;
    to.push(this.#now);
    this.#now = from.pop();
    document.getElementById("segments").value = this.#now.segments;
    this.#segments.load(this.#now.segments);
    htmx.ajax("POST", this.#form.getAttribute("hx-post"), {
      source: document.getElementById("placing"),
      swap: "none",
      values: this.#now,
    });
    this.#show();
  }

  #show() {
    for (const button of document.querySelectorAll("[data-history]")) {
      button.disabled = !(button.dataset.history === "undo" ? this.#past : this.#future).length;
    }
  }
}
