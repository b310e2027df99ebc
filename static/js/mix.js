/**
 * The sound of the draft as its result will have it: parts of several files, one after the other. Two ways play it.
 *
 * Decoded, each part is laid to the sample on the clock of the sound device; the transport takes its time from there.
 * Where that cannot be (another speed, long files, still loading), the media elements play: each runs where it belongs,
 * and the one whose part it is sounds. Nothing else decides what is heard than the server's list of parts.
 *
 * @typedef {{source: string, start: number, end: number, from: number}} Part  seconds of the result and of the file;
 *   a source is "voice", "original", the id of a segment's sound, or "" for silence
 */

import { SoundClock } from "./soundclock.js";
import { decode, fits } from "./sounds.js";

// As the engine does where one sound gives way to another.
const FADE_S = 0.008;

/** The part heard at a second; null beyond the last one. */
export function partAt(parts, second) {
  return parts.find(({ start, end }) => second >= start && second < end) ?? null;
}

/** Where a segment's sound stands at a second: it runs in its own parts, and waits between them where the next begins. */
export function placeIn(parts, source) {
  const own = parts.filter((part) => part.source === source);
  return (second) => {
    const next = own.find(({ end }) => second < end) ?? own.at(-1);
    const runs = second >= next.start && second < next.end;
    return { time: next.from + (runs ? second - next.start : 0), rate: runs ? 1 : 0 };
  };
}

export class Mix extends SoundClock {
  #buffers = new Map();
  #asked = new Set();
  #parts = [];
  #files = {};
  #sources = [];

  constructor() {
    super();
    /** Whether this is to be heard, and not the original. */
    this.wanted = true;
  }

  /** @param {Part[]} parts  @param {Record<string, {src: string, seconds: number, bytes: number}>} files  by source */
  set(parts, files) {
    this.stop();
    this.#parts = parts;
    this.#files = files;
    const used = new Set(this.#used().map(({ src }) => src));
    for (const src of this.#buffers.keys()) if (!used.has(src)) this.#forget(src);
    if (this.context) this.load();
  }

  get parts() {
    return this.#parts;
  }

  #used() {
    const sources = new Set(this.#parts.map(({ source }) => source).filter(Boolean));
    return [...sources].map((source) => this.#files[source]).filter(Boolean);
  }

  #forget(src) {
    this.#buffers.delete(src);
    this.#asked.delete(src);
  }

  /** Fetch and decode what the parts use; to be called from a click or a key, or browsers keep the sound off. */
  load() {
    const files = this.#used();
    if (!files.length || !fits(...files).fits) return;
    this.context ??= new AudioContext({ latencyHint: "interactive" });
    if (this.context.state === "suspended") this.context.resume();
    for (const { src } of files) {
      if (this.#asked.has(src)) continue;
      this.#asked.add(src);
      // What cannot be decoded is played by its element.
      decode(this.context, src).then((buffer) => this.#asked.has(src) && this.#buffers.set(src, buffer)).catch(() => {});
    }
  }

  get ready() {
    const used = this.#used();
    return this.wanted && used.length > 0 && this.context?.state === "running" && used.every(({ src }) => this.#buffers.has(src));
  }

  /** Lay all that is still to come from a second of the result on. */
  start(second) {
    this.stop();
    const at = this.begin(second);
    for (const part of this.#parts) {
      const buffer = this.#buffers.get(this.#files[part.source]?.src);
      const begin = Math.max(part.start, second);
      if (buffer && part.end > begin) this.#lay(buffer, at + begin - second, part.from + begin - part.start, part.end - begin);
    }
  }

  #lay(buffer, when, from, seconds) {
    if (from >= buffer.duration) return;
    const source = new AudioBufferSourceNode(this.context, { buffer });
    const gain = new GainNode(this.context, { gain: 0 });
    const fade = Math.min(FADE_S, seconds / 2);
    gain.gain.setValueAtTime(0, when);
    gain.gain.linearRampToValueAtTime(1, when + fade);
    gain.gain.setValueAtTime(1, when + seconds - fade);
    gain.gain.linearRampToValueAtTime(0, when + seconds);
    source.connect(gain).connect(this.context.destination);
    source.start(when, from, seconds);
    this.#sources.push({ source, gain, when, from, seconds });
  }

  /** For measurements: what was laid, in seconds of the device's clock and of the files. */
  get laid() {
    return this.#sources.map(({ when, from, seconds }) => ({ second: this.secondAt(when), from, seconds }));
  }

  stop() {
    for (const { source, gain } of this.#sources) {
      source.disconnect();
      gain.disconnect();
    }
    this.#sources = [];
    this.end();
  }
}
