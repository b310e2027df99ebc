/**
 * Both soundtracks decoded and started together on one clock, so that switching between them changes nothing but a
 * gain: where the one stops the other goes on with the very next sample. Decoding takes memory, so long films keep the
 * sound of their video elements, which are held together within half a frame.
 */

import { SoundClock } from "./soundclock.js";

// All that is decoded at once: 48 kHz, two channels of 32 bits. 128 MB are five and a half minutes in all.
const MOST_BYTES = 128e6;
const BYTES_A_SECOND = 48_000 * 2 * 4;
// What is fetched for it; a film of this size has a bit rate at which it should not be read twice.
const MOST_FILE_BYTES = 150e6;
// Long enough that no step is heard, short enough that the switch is.
const FADE_S = 0.005;

/** Whether these files can be decoded together: {fits, words} with what to say of it. */
export function fits(...files) {
  const sum = (what) => files.reduce((all, file) => all + file[what], 0);
  if (sum("seconds") * BYTES_A_SECOND > MOST_BYTES || sum("bytes") > MOST_FILE_BYTES) {
    return { fits: false, words: "Long films: the sounds are held together within half a frame." };
  }
  return { fits: true, words: "" };
}

/** The sound of a file, whatever else is in it. */
export async function decode(context, src) {
  const answer = await fetch(src);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return context.decodeAudioData(await answer.arrayBuffer());
}

export class Sounds extends SoundClock {
  #buffers = null;
  #gains = {};
  #sources = [];
  #heard = "b";
  #loading = null;

  /** @param {{a: {src: string}, b: {src: string}}} films  @param {(words: string) => void} say  how switching works now */
  constructor(films, say) {
    super();
    this.films = films;
    this.say = say;
  }

  /** Fetch and decode both, once; to be called from a click or a key, or browsers keep the sound off. */
  load() {
    this.#loading ??= this.#load().catch(() => this.say("The sounds are held together within half a frame."));
    return this.#loading;
  }

  async #load() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    const decoded = await Promise.all(["a", "b"].map((letter) => decode(this.context, this.films[letter].src)));
    for (const letter of ["a", "b"]) {
      const gain = new GainNode(this.context, { gain: letter === this.#heard ? 1 : 0 });
      gain.connect(this.context.destination);
      this.#gains[letter] = gain;
    }
    this.#buffers = { a: decoded[0], b: decoded[1] };
    this.say("The sounds are held together to the sample.");
  }

  get ready() {
    return this.#buffers !== null && this.context.state === "running";
  }

  /** For measurements: what was decoded. */
  get buffers() {
    return this.#buffers;
  }

  /** Start both at a second of the films, in the same moment of the one clock. */
  start(second) {
    this.stop();
    const at = this.begin(second);
    for (const letter of ["a", "b"]) {
      const source = new AudioBufferSourceNode(this.context, { buffer: this.#buffers[letter] });
      source.connect(this.#gains[letter]);
      if (second < this.#buffers[letter].duration) source.start(at, second);
      this.#sources.push(source);
    }
  }

  stop() {
    for (const source of this.#sources) source.disconnect();
    this.#sources = [];
    this.end();
  }

  hear(letter) {
    this.#heard = letter;
    for (const [name, gain] of Object.entries(this.#gains)) {
      gain.gain.cancelScheduledValues(0);
      gain.gain.setTargetAtTime(name === letter ? 1 : 0, this.context.currentTime, FADE_S / 3);
    }
  }

  resume() {
    if (this.context?.state === "suspended") this.context.resume();
  }

  close() {
    this.stop();
    this.context?.close();
    this.context = null;
    this.#buffers = null;
  }
}
