/** The fields of the chosen segment: its times, its sound and speaker, and what differs from the rest of the film. */

const SWITCHED = { on: true, off: false };

export class SegmentPanel {
  #panel = document.getElementById("segment-panel");
  #row = null;
  #change;
  #named;
  #trim;
  #asked = false;
  /** The field that somebody is typing in: an answer that comes meanwhile leaves it alone. */
  #typing = null;

  /** @param {{onChange: (change: object) => void, onTrim: (edges: object) => void, onEdit: (what: string) => void, onNames: () => void}} listener */
  constructor({ onChange, onTrim, onEdit, onNames }) {
    this.#change = onChange;
    this.#trim = onTrim;
    this.#named = onNames;
    this.#panel.addEventListener("input", (event) => { this.#typing = event.target; });
    this.#panel.addEventListener("focusout", () => { this.#typing = null; });
    this.#panel.addEventListener("change", (event) => {
      this.#typing = null;
      this.#typed(event.target);
    });
    this.#panel.addEventListener("click", (event) => {
      const edit = event.target.closest("[data-edit]");
      if (edit) onEdit(edit.dataset.edit);
    });
  }

  /** Show a segment, or nothing; the facts say who is in the film, and of each option whether the model has it. */
  show(row, { choices = {}, people = [] }) {
    this.#row = row ?? null;
    this.#panel.hidden = !row;
    if (!row) return;
    this.#loadSounds();
    this.#offer(people);
    this.#panel.querySelector("[data-segment-title]").textContent = row.lipsync ? "Segment" : "No lipsync";
    this.#panel.querySelector("[data-speaks]").hidden = !row.lipsync;
    this.#panel.querySelector("[data-leaves]").hidden = row.lipsync;
    for (const part of this.#panel.querySelectorAll("[data-own-sound]")) part.hidden = !row.audio;
    for (const control of this.#panel.querySelectorAll("[data-segment]")) {
      if (control === this.#typing) continue;
      const value = row[control.dataset.segment];
      if (control.dataset.segment === "face") control.value = value?.kind === "person" ? String(value.id) : (value?.kind ?? "");
      else control.value = value ?? "";
    }
    for (const control of this.#panel.querySelectorAll("[data-segment-option]")) {
      if (control === this.#typing) continue;
      const value = row.options[control.dataset.segmentOption];
      control.value = typeof value === "boolean" ? (value ? "on" : "off") : (value ?? "");
    }
    for (const line of this.#panel.querySelectorAll("[data-option-line]")) {
      const { state, why } = choices[line.dataset.optionLine] ?? { state: "available", why: "" };
      for (const part of line.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== state;
      line.querySelector("[data-why]").textContent = why;
    }
  }

  /** What a sound is called, once the list of them is here. */
  nameOf(id) {
    this.#loadSounds();
    const option = this.#panel.querySelector(`[data-segment="audio"] option[value="${CSS.escape(id)}"]`);
    return option ? option.textContent.replace(/, [\d:.]+$/, "") : "Its own sound";
  }

  /** The people to choose from, as they are called now. */
  #offer(people) {
    const field = this.#panel.querySelector('[data-segment="face"]');
    field.closest("[data-several-people]").hidden = people.length < 2;
    const words = people.map(({ called, seconds }) => `${called}, ${seconds.toFixed(1)} s on screen`);
    const offered = [...field.options].slice(2);
    if (words.join("\n") === offered.map(({ text }) => text).join("\n")) return;
    for (const option of offered) option.remove();
    people.forEach(({ id }, index) => field.add(new Option(words[index], id)));
  }

  #typed(control) {
    if (!this.#row || (control.type === "number" && !control.checkValidity())) return;
    const { segment: name, segmentOption: option } = control.dataset;
    if (option) {
      const { [option]: _, ...options } = this.#row.options;
      if (control.value !== "") options[option] = SWITCHED[control.value] ?? (control.type === "number" ? Number(control.value) : control.value);
      this.#change({ options });
    } else if (name === "audio") this.#change({ audio: control.value || null, audio_start_s: 0, audio_end_s: null });
    else if (name === "face") this.#change({ face: faceOf(control.value) });
    else if (name === "audio_start_s" && control.value !== "") this.#change({ audio_start_s: Number(control.value), audio_end_s: null });
    else if (name && control.value !== "") this.#trim({ [name]: Number(control.value) });
  }

  /** The sounds to choose from, asked for once: most drafts have no segments. */
  async #loadSounds() {
    if (this.#asked) return;
    this.#asked = true;
    const field = this.#panel.querySelector("[data-sounds]");
    const answer = await fetch(field.dataset.sounds);
    if (!answer.ok) return;
    field.insertAdjacentHTML("beforeend", await answer.text());
    this.#named();
  }
}

function faceOf(value) {
  if (value === "") return null;
  return value === "active_speaker" ? { kind: value } : { kind: "person", id: Number(value) };
}
