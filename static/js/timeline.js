/**
 * The timeline: ruler, picture, both sounds, one playhead. Lanes share one axis; what the sync mode leaves out is
 * hatched, what it plays again is marked where it begins.
 *
 * Markup: an element with [data-track] (a slider for the keyboard) holding canvases [data-lane="ruler|picture|original|
 * voice"], a [data-playhead] and a [data-marks] box. Facts come as { mode, video, audio }, see the page's JSON; the
 * player adds `axis` (its result's length) and `soundtrack` (the length that the sync mode worked with).
 */

import { Filmstrip } from "./filmstrip.js";
import { drawPictures, drawRuler, drawWave, prepare } from "./lanes.js";
import { outputSeconds, placeInSource } from "./syncmap.js";
import { timecode } from "./timecode.js";
import { fetchPeaks } from "./waveform.js";

const PICTURES = 24;
const COMING_BACK = { loop: "Again", bounce: "Back" };

export class Timeline {
  #root;
  #track;
  #transport;
  #strip = null;
  #stripSource = "";
  #peaks = { original: null, voice: null };
  #facts = { mode: "cut_off", video: null, audio: null };
  #drawing = 0;
  #off = new AbortController();

  constructor(root, transport) {
    this.#root = root;
    this.#track = root.querySelector("[data-track]");
    this.#transport = transport;
    const options = { signal: this.#off.signal };
    transport.addEventListener("time", () => this.#movePlayhead(), options);
    document.addEventListener("studio:theme", () => this.draw(), options);
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.draw(), options);
    this.#track.addEventListener("pointerdown", (event) => this.#grab(event), options);
    this.#track.addEventListener("keydown", (event) => this.#key(event), options);
    this.#watcher = new ResizeObserver(() => this.draw());
    this.#watcher.observe(this.#track);
  }

  #watcher;

  close() {
    this.#off.abort();
    this.#watcher.disconnect();
    this.#strip?.stop();
  }

  /** Length of the axis in seconds: as given, else all of both files, so that one sees what is left out. */
  get axis() {
    const { mode, video, audio, axis } = this.#facts;
    if (axis) return axis;
    if (mode === "remap" && audio) return audio.seconds;
    return Math.max(video?.seconds ?? 0, audio?.seconds ?? 0);
  }

  setFacts(facts) {
    this.#facts = facts;
    this.#load("original", facts.video?.sound ? facts.video.peaks : "");
    this.#load("voice", facts.audio?.peaks ?? "");
    const source = facts.video?.kind === "video" ? facts.video.src : "";
    if (source !== this.#stripSource) {
      this.#strip?.stop();
      this.#stripSource = source;
      this.#strip = source ? new Filmstrip(source, facts.video.seconds, PICTURES, () => this.draw()) : null;
    }
    this.draw();
  }

  async #load(lane, address) {
    this.#peaks[lane] = null;
    if (!address) return;
    try {
      this.#peaks[lane] = await fetchPeaks(address);
      this.draw();
    } catch {
      // The lane stays a plain line; the file itself plays all the same.
    }
  }

  draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = requestAnimationFrame(() => this.#drawNow());
  }

  #lane(name) {
    return this.#root.querySelector(`[data-lane="${name}"]`);
  }

  #drawNow() {
    const axis = this.axis;
    const { mode, video, audio } = this.#facts;
    const soundtrack = this.#facts.soundtrack ?? audio?.seconds ?? 0;
    const output = this.#facts.length ?? outputSeconds(mode, video?.seconds ?? 0, soundtrack);
    const place = placeInSource(mode, video?.seconds ?? 0, soundtrack, video?.fps);
    // Past the result's end the source still shows, under the hatch.
    const pictureSecond = (t) => {
      if (!video || (t > output && t > video.seconds)) return null;
      return t > output && mode !== "remap" ? t : place(t).time;
    };
    drawRuler(this.#lane("ruler"), axis);
    const picture = this.#lane("picture");
    if (picture) this.#strip ? drawPictures(picture, this.#strip, axis, pictureSecond) : prepare(picture);
    this.#wave("original", axis, (t) => held(t, video, place, mode));
    this.#wave("voice", axis, (t) => (t <= audio.seconds ? t : null));
    this.#mark(axis, output);
    this.#movePlayhead();
  }

  #wave(name, axis, secondOf) {
    const canvas = this.#lane(name);
    if (!canvas) return;
    if (this.#peaks[name] && axis) drawWave(canvas, this.#peaks[name], axis, secondOf);
    else prepare(canvas);
  }

  /** Hatch over what is left out; a mark where the picture begins again or stands still. */
  #mark(axis, output) {
    const box = this.#root.querySelector("[data-marks]");
    if (!box) return;
    const { mode, video, audio } = this.#facts;
    box.replaceChildren();
    if (!axis || !video || !audio) return;
    const add = (kind, from, to, words) => {
      const mark = document.createElement("span");
      mark.className = `mark-range ${kind}`;
      mark.style.setProperty("left", `${(from / axis) * 100}%`);
      mark.style.setProperty("width", `${((to - from) / axis) * 100}%`);
      const label = document.createElement("span");
      label.textContent = words;
      mark.append(label);
      box.append(mark);
    };
    if (axis - output > 0.02) add("left-out", output, axis, "Left out");
    if (this.#facts.length) return;
    if (mode in COMING_BACK) {
      for (let from = video.seconds, turn = 1; from < output - 0.02 && turn < 200; from += video.seconds, turn += 1) {
        const words = mode === "bounce" && turn % 2 === 0 ? "Forward" : COMING_BACK[mode];
        add("repeated", from, Math.min(from + video.seconds, output), words);
      }
    }
    if (mode === "silence" && video.seconds < output - 0.02) add("still", video.seconds, output, "Last picture held");
    if (mode === "silence" && audio.seconds < output - 0.02) add("quiet-tail", audio.seconds, output, "Silence");
  }

  #movePlayhead() {
    const head = this.#root.querySelector("[data-playhead]");
    const { time } = this.#transport;
    const axis = this.axis;
    head.hidden = !axis;
    head.style.setProperty("left", `${axis ? Math.min(100, (time / axis) * 100) : 0}%`);
    this.#track.setAttribute("aria-valuemax", axis.toFixed(2));
    this.#track.setAttribute("aria-valuenow", time.toFixed(2));
    this.#track.setAttribute("aria-valuetext", `${timecode(time)} of ${timecode(axis)}`);
  }

  #grab(event) {
    if (event.button !== 0 || !this.axis) return;
    const box = this.#track.getBoundingClientRect();
    const go = (move) => this.#transport.seek(((move.clientX - box.left) / box.width) * this.axis);
    this.#track.setPointerCapture(event.pointerId);
    const drop = new AbortController();
    this.#track.addEventListener("pointermove", go, { signal: drop.signal });
    for (const end of ["pointerup", "pointercancel"]) {
      this.#track.addEventListener(end, () => drop.abort(), { signal: drop.signal });
    }
    go(event);
  }

  #key(event) {
    const frames = event.shiftKey ? 10 : 1;
    const moves = {
      ArrowLeft: () => this.#transport.step(-frames),
      ArrowRight: () => this.#transport.step(frames),
      Home: () => this.#transport.seek(0),
      End: () => this.#transport.seek(this.axis),
    };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    moves[event.key]();
  }
}

/** Second of the original sound at a second of the axis: it goes with the picture, and stops where that stands. */
function held(t, video, place, mode) {
  if (mode === "cut_off" || mode === "silence") return t <= video.seconds ? t : null;
  const { time, rate } = place(t);
  return rate === 0 ? null : time;
}
