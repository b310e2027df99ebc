/**
 * Undo and redo of the draft: each change of the form, and each file put in the place of another, is a step; going back
 * posts the draft as it was.
 */

export class History {
  #form;
  #segments;
  #past = [];
  #future = [];
  #now;
  // Going back to other files: answers of before say nothing of them yet.
  #awaited = false;

  /** @param {HTMLFormElement} form  @param {import("./segments.js").Segments} segments */
  constructor(form, segments) {
    this.#form = form;
    this.#segments = segments;
    this.#now = { ...this.#fields(), ...this.#files() };
    form.addEventListener("change", () => this.#step({ ...this.#fields(), video: this.#now.video, audio: this.#now.audio }));
    document.addEventListener("htmx:afterRequest", (event) => this.#refused(event));
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

  /** Which files the draft has by the server's last answer. */
  #files() {
    const { video, audio } = document.getElementById("facts").dataset;
    return { video, audio };
  }

  #fields() {
    const kept = {};
    for (const [name, value] of new FormData(this.#form)) {
      if (name === "model" || name === "sync_mode" || name === "segments" || name.startsWith("option-")) kept[name] = value;
    }
    return kept;
  }

  /** Put the controls back at once: an edit that is still to be sent would save what they show, and undo the undoing. */
  #setFields(fields) {
    for (const control of this.#form.elements) {
      const value = fields[control.name];
      if (value === undefined) continue;
      if (control.type === "radio" || control.type === "checkbox") control.checked = control.value === value;
      else if (control.type !== "hidden" || value !== "on") control.value = value; // "on" is said by the switch beside it
    }
  }

  /** To be called when the facts have been replaced: a file that was chosen or brought is a step like any other. */
  seeFiles() {
    const files = this.#files();
    if (!this.#awaited) this.#step({ ...this.#now, ...files });
    else if (files.video === this.#now.video && files.audio === this.#now.audio) this.#awaited = false;
  }

  /** What was refused, such as a file that is deleted by now, is not gone back to. */
  #refused({ detail }) {
    if (!this.#awaited || detail.elt.id !== "placing" || detail.xhr.status < 400) return;
    this.#awaited = false;
    this.#now = { ...this.#now, ...this.#files() };
  }

  #step(next) {
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
    const before = this.#now;
    this.#now = from.pop();
    // Files are named, and the parts of the page that show them asked for, only where they change.
    const { video, audio, ...fields } = this.#now;
    this.#setFields(fields);
    this.#segments.load(fields.segments);
    const files = Object.fromEntries(Object.entries({ video, audio }).filter(([place, file]) => file !== before[place]));
    const places = Object.keys(files);
    this.#awaited ||= places.length > 0;
    htmx.ajax("POST", this.#form.getAttribute("hx-post"), {
      source: document.getElementById("placing"),
      swap: "none",
      values: { ...fields, ...files, place: places.length > 1 ? "both" : (places[0] ?? "") },
    });
    this.#show();
  }

  #show() {
    for (const button of document.querySelectorAll("[data-history]")) {
      button.disabled = !(button.dataset.history === "undo" ? this.#past : this.#future).length;
    }
  }
}
