/**
 * Segments of the draft: ranges with a sound, a speaker of their own, and ranges that stay as they were. What is edited
 * here is written into the form's hidden field; the draft saves it as it saves every other choice.
 */

import { cutAway, place, round, SHORTEST_S, trimmed } from "./ranges.js";
import { drawClips, drawMarks, drawWaves } from "./segmentlane.js";
import { SegmentPanel } from "./segmentpanel.js";
import { keyIsFree, toast } from "./shell.js";
import { timecode } from "./timecode.js";

// Edges that come nearer than this on the screen join.
const SNAP_PX = 8;
// A test begins so long before the playhead: what one points at is seen to come.
const LEAD_S = 0.5;
const ZOOMS = [1, 2, 4, 8];

export class Segments {
  #root;
  #timeline;
  #transport;
  #field = document.getElementById("segments");
  #panel = new SegmentPanel({
    onChange: (change) => this.#put({ ...this.#rows[this.#chosen], ...change }, this.#chosen),
    onTrim: (edges) => this.#put(trimmed(this.#rows[this.#chosen], edges), this.#chosen),
    onEdit: (what) => this.#edit(what),
    onNames: () => this.draw(),
  });
  #rows = [];
  #chosen = -1;
  #range = [null, null];
  #snap = true;
  #zoom = 1;
  // While a segment is in somebody's hand nothing is drawn: its element would be another one, and they would lose it.
  #grabbed = false;
  #owed = false;
  #facts = { cuts: [], marks: [], video: null, choices: {} };

  constructor(root, timeline, transport) {
    this.#root = root;
    this.#timeline = timeline;
    this.#transport = transport;
    this.load(this.#field.value);
    root.addEventListener("click", (event) => this.#clicked(event));
    root.addEventListener("pointerdown", (event) => this.#grab(event));
    document.addEventListener("keydown", (event) => this.#key(event));
    transport.addEventListener("time", () => this.#follow());
    const lane = root.querySelector("[data-segment-lane]");
    new ResizeObserver(() => drawWaves(lane)).observe(lane);
    document.addEventListener("studio:theme", () => drawWaves(lane));
  }

  /** Show these segments, given as JSON; nothing is saved. */
  load(text) {
    this.#rows = JSON.parse(text || "[]");
    this.#chosen = Math.min(this.#chosen, this.#rows.length - 1);
    this.draw();
  }

  setFacts(facts) {
    this.#facts = facts;
    const price = this.#root.querySelector("[data-test-price]");
    if (price) price.textContent = facts.test_price;
    this.draw();
  }

  /** Leave a stretch as it was: what the check offers with one click. */
  exclude(start, end) {
    this.#put({ start_s: start, end_s: end, lipsync: false });
  }

  /** Give the chosen segment to a person; false where no segment with lips is chosen. */
  choosePerson(id) {
    const row = this.#rows[this.#chosen];
    if (!row?.lipsync) return false;
    const same = row.face?.kind === "person" && row.face.id === id;
    this.#put({ ...row, face: same ? null : { kind: "person", id } }, this.#chosen);
    return true;
  }

  /** Let a person speak with a sound of their own in these ranges, which it had before or not at all. */
  speak(id, audio, ranges) {
    const own = (row) => row.audio && row.face?.kind === "person" && row.face.id === id;
    const laid = ranges.map(([start, end]) => ({
      ...this.#blank(round(start), round(end), true), audio, audio_start_s: round(start), audio_end_s: round(end), face: { kind: "person", id },
    }));
    const others = laid.reduce((rows, row) => rows.flatMap((one) => cutAway(one, row)), this.#rows.filter((row) => !own(row)));
    this.#rows = [...others, ...laid].sort((one, two) => one.start_s - two.start_s);
    this.#chosen = -1;
    this.#save();
  }

  // --- Editing -------------------------------------------------------------------------------------------------------

  get #end() {
    return this.#facts.video?.seconds ?? 0;
  }

  #blank(start, end, lipsync) {
    return { start_s: start, end_s: end, lipsync, audio: null, audio_start_s: 0, audio_end_s: null, face: null, options: {} };
  }

  /** Put a segment down; what lies beneath it gives way, and what is left of that too short to be drawn goes. */
  #put(row, replacing = -1) {
    const whole = { ...this.#blank(0, 0, true), ...row };
    whole.start_s = round(Math.max(0, whole.start_s));
    whole.end_s = round(Math.min(this.#end, whole.end_s));
    if (round(whole.end_s - whole.start_s) < SHORTEST_S) {
      toast(`A segment lasts at least ${SHORTEST_S} s. Set In and Out further apart.`);
      return;
    }
    const others = this.#rows.filter((_, index) => index !== replacing).flatMap((other) => cutAway(other, whole));
    this.#rows = [...others, whole].sort((one, two) => one.start_s - two.start_s);
    this.#chosen = this.#rows.indexOf(whole);
    this.#save();
  }

  #save() {
    this.#field.value = JSON.stringify(this.#rows);
    this.#field.dispatchEvent(new Event("input", { bubbles: true }));
    this.#field.dispatchEvent(new Event("change", { bubbles: true }));
    this.draw();
  }

  #edit(what) {
    const at = this.#transport.time;
    const [from, to] = [this.#range[0] ?? at, this.#range[1] ?? Math.min(this.#end, (this.#range[0] ?? at) + 2)];
    const deeds = {
      in: () => this.#setRange(at, this.#range[1] !== null && this.#range[1] > at ? this.#range[1] : null),
      out: () => this.#setRange(this.#range[0] !== null && this.#range[0] < at ? this.#range[0] : 0, at),
      clear: () => this.#setRange(null, null),
      speak: () => { this.#put(this.#blank(from, to, true)); this.#setRange(null, null); },
      leave: () => { this.#put(this.#blank(from, to, false)); this.#setRange(null, null); },
      remove: () => {
        if (this.#chosen < 0) return;
        this.#rows.splice(this.#chosen, 1);
        this.#chosen = -1;
        this.#save();
      },
      split: () => {
        const index = this.#rows.findIndex((row) => row.start_s + SHORTEST_S <= at && at <= row.end_s - SHORTEST_S);
        if (index < 0) return;
        this.#rows.splice(index, 1, ...cutAway(this.#rows[index], { start_s: round(at), end_s: round(at) }));
        this.#chosen = index + 1;
        this.#save();
      },
      unselect: () => this.choose(-1),
      snap: () => {
        this.#snap = !this.#snap;
        this.#root.querySelector('[data-edit="snap"]')?.setAttribute("aria-pressed", String(this.#snap));
      },
    };
    if (this.#end) deeds[what]?.();
  }

  #setRange(from, to) {
    this.#range = [from, to];
    this.#aim();
    this.draw();
  }

  /** Choose a segment, −1 for none: its fields stand in the panel. */
  choose(index) {
    this.#chosen = index;
    this.draw();
  }

  // --- By hand -------------------------------------------------------------------------------------------------------

  #clicked(event) {
    const edit = event.target.closest("[data-edit]");
    if (edit) this.#edit(edit.dataset.edit);
    const zoom = event.target.closest("[data-zoom]");
    if (zoom) this.#setZoom(Number(zoom.dataset.zoom));
    const mark = event.target.closest("[data-mark]");
    if (mark) this.#transport.seek(this.#facts.marks[Number(mark.dataset.mark)].start + 0.001);
    const clip = event.target.closest("[data-clip]");
    if (clip) this.choose(Number(clip.dataset.clip));
  }

  #grab(event) {
    const clip = event.target.closest("[data-clip]");
    if (!clip || event.button !== 0 || !this.#root.querySelector("[data-edit]")) return;
    const index = Number(clip.dataset.clip);
    const row = this.#rows[index];
    const lane = this.#root.querySelector("[data-inner]").getBoundingClientRect();
    const box = clip.getBoundingClientRect();
    const grip = Math.min(10, box.width / 3);
    const part = event.clientX - box.left < grip ? "start" : box.right - event.clientX < grip ? "end" : "whole";
    const perPixel = this.#timeline.axis / lane.width;
    let moved = row;
    const off = new AbortController();
    this.#grabbed = true;
    clip.setPointerCapture(event.pointerId);
    clip.addEventListener("pointermove", (move) => {
      if (Math.abs(move.clientX - event.clientX) < 3 && moved === row) return;
      moved = this.#shifted(row, part, (move.clientX - event.clientX) * perPixel, SNAP_PX * perPixel, index);
      place(clip, moved, this.#timeline.axis);
    }, { signal: off.signal });
    for (const end of ["pointerup", "pointercancel"]) {
      clip.addEventListener(end, () => {
        off.abort();
        this.#grabbed = false;
        const now = this.#rows.indexOf(row); // Undo may have taken it meanwhile
        if (moved !== row && now >= 0) this.#put(moved, now);
        else if (this.#owed) this.choose(now); // in place of the click: the drawing takes its element away
      }, { signal: off.signal });
    }
  }

  /** A segment with an edge or the whole of it moved by seconds, joined to what is near. */
  #shifted(row, part, by, near, index) {
    const length = row.end_s - row.start_s;
    const limited = (start, end) => trimmed(row, { start_s: Math.max(0, start), end_s: Math.min(this.#end, end) });
    if (part === "start") return limited(Math.min(this.#joined(row.start_s + by, near, index), row.end_s - SHORTEST_S), row.end_s);
    if (part === "end") return limited(row.start_s, Math.max(this.#joined(row.end_s + by, near, index), row.start_s + SHORTEST_S));
    const start = Math.max(0, Math.min(this.#end - length, this.#joined(row.start_s + by, near, index)));
    return { ...row, start_s: start, end_s: start + length };
  }

  #joined(second, near, index) {
    if (!this.#snap) return second;
    const edges = [0, this.#end, this.#transport.time, ...this.#facts.cuts];
    this.#rows.forEach((row, other) => { if (other !== index) edges.push(row.start_s, row.end_s); });
    const best = edges.reduce((one, two) => (Math.abs(two - second) < Math.abs(one - second) ? two : one));
    return Math.abs(best - second) <= near ? best : second;
  }

  // --- By keys -------------------------------------------------------------------------------------------------------

  #key(event) {
    if (!keyIsFree(event)) return;
    const clip = event.target.closest?.("[data-clip]");
    const nudges = { ArrowLeft: -1, ArrowRight: 1 };
    if (clip && event.key in nudges) {
      event.preventDefault();
      const by = (nudges[event.key] * (event.shiftKey ? 10 : 1)) / this.#transport.fps;
      const index = Number(clip.dataset.clip);
      this.#put(this.#shifted(this.#rows[index], event.altKey ? "end" : "whole", by, 0, index), index);
      this.#root.querySelector(`[data-clip="${this.#chosen}"]`)?.focus();
      return;
    }
    const editable = this.#root.querySelector("[data-edit]");
    const deeds = { i: "in", o: "out", x: "clear", n: "snap", Delete: "remove", Backspace: "remove", e: "speak", E: "leave", s: "split" };
    const zooms = { "+": 1, "=": 1, "-": -1, 0: 0 };
    const steps = { ArrowUp: -1, ArrowDown: 1 };
    const onControl = event.target.closest?.("[role=slider], input, select, [data-scroll]");
    if (editable && event.key in deeds) this.#edit(deeds[event.key]);
    else if (event.key in zooms) this.#setZoom(zooms[event.key]);
    else if (event.key in steps && (!onControl || onControl.matches("[data-track]"))) this.#toEdit(steps[event.key]);
    else return;
    event.preventDefault();
  }

  /** To the edge before or after the playhead: of segments, findings and cuts. */
  #toEdit(direction) {
    const edges = [0, ...this.#rows.flatMap((row) => [row.start_s, row.end_s]), ...this.#facts.marks.flatMap((mark) => [mark.start, mark.end])];
    const at = this.#transport.time;
    const beyond = edges.filter((edge) => (direction > 0 ? edge > at + 0.03 : edge < at - 0.03));
    if (beyond.length) this.#transport.seek((direction > 0 ? Math.min(...beyond) : Math.max(...beyond)) + 0.001);
  }

  // --- Drawing -------------------------------------------------------------------------------------------------------

  #setZoom(step) {
    const now = ZOOMS.indexOf(this.#zoom);
    this.#zoom = step === 0 ? 1 : ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, now + step))];
    this.#root.querySelector("[data-inner]").style.setProperty("width", `${this.#zoom * 100}%`);
    this.#follow();
  }

  /** Where a test begins: at In, else a moment before the playhead. */
  #aim() {
    document.getElementById("at").value = (this.#range[0] ?? Math.max(0, this.#transport.time - LEAD_S)).toFixed(3);
  }

  /** Keep the playhead in sight where the lanes are wider than the screen. */
  #follow() {
    this.#aim();
    if (this.#zoom === 1) return;
    const scroll = this.#root.querySelector("[data-scroll]");
    const x = (this.#transport.time / this.#timeline.axis) * scroll.scrollWidth;
    if (x < scroll.scrollLeft + 20 || x > scroll.scrollLeft + scroll.clientWidth - 40) scroll.scrollLeft = x - 80;
  }

  draw() {
    this.#owed = this.#grabbed;
    if (this.#grabbed) return;
    const axis = this.#timeline.axis;
    const editable = Boolean(this.#root.querySelector("[data-edit]"));
    const lane = this.#root.querySelector("[data-segment-lane]");
    const nameOf = (id) => this.#panel.nameOf(id);
    drawClips(lane, this.#rows, { axis, editable, chosen: this.#chosen, nameOf, facts: this.#facts });
    drawMarks(this.#root.querySelector("[data-check-lane]"), this.#facts.marks ?? [], axis);
    const [from, to] = this.#range;
    const band = this.#root.querySelector("[data-range-band]");
    band.hidden = from === null && to === null;
    if (!band.hidden) place(band, { start_s: from ?? 0, end_s: to ?? Math.min(this.#end, from + 2) }, axis);
    const said = this.#root.querySelector("[data-range-said]");
    if (said) said.textContent = band.hidden ? "" : `${timecode(from ?? 0)} to ${to === null ? "…" : timecode(to)}`;
    const remove = this.#root.querySelector('[data-edit="remove"]');
    if (remove) remove.disabled = this.#chosen < 0;
    this.#panel.show(this.#rows[this.#chosen], this.#facts);
  }
}
