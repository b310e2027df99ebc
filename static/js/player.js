/** The player: two films on one clock, six ways of looking at them, both sounds, the sync meter, comments. */

import { bindBar, showHeard } from "./bar.js";
import { bindCaptions } from "./captions.js";
import { bindComments, commentHere } from "./comments.js";
import { LoopRange } from "./looprange.js";
import { Mouths } from "./mouths.js";
import { fits, Sounds } from "./sounds.js";
import { placeInSource } from "./syncmap.js";
import { Timeline } from "./timeline.js";
import { Transport } from "./transport.js";
import { sayWhereUnseen } from "./unseen.js";
import { bindWipe } from "./wipe.js";

// Blinking stays under one change a second and a half, well below the three a second that can harm.
const BLINK_MS = 700;
const VIEW_KEYS = { 1: "side", 2: "wipe", 3: "blink", 4: "mouth", 5: "result", 6: "original" };

export class Player {
  #transport;
  #timeline;
  #compare;
  #bar;
  #facts;
  #blinking = 0;
  #worstIndex = -1;
  #unbind = [];

  constructor(root) {
    this.root = root;
    this.#facts = JSON.parse(root.dataset.facts);
    const { original, result, mode, mouth, straight, soundtrack_s: soundtrack } = this.#facts;
    this.#compare = root.querySelector("[data-compare]");
    this.#compare.style.setProperty("--ratio", (result.width / result.height || 16 / 9).toFixed(4));
    this.#transport = new Transport({ fps: result.fps, duration: result.seconds });
    this.#take("b", straightTo(result.seconds));
    const beside = straight ? straightTo : (seconds) => placeInSource(mode, seconds, soundtrack, original.fps);
    if (original) this.#take("a", beside(original.seconds));
    this.#bar = root.querySelector("[data-transport]");
    this.#bar.transport = this.#transport;
    const range = new LoopRange(root, this.#transport);
    const gone = new AbortController();
    this.#unbind.push(() => gone.abort());
    const keys = {
      w: () => this.worst(),
      i: () => range.from(),
      o: () => range.to(),
      x: () => range.clear(),
      c: () => commentHere(root, this.#transport),
      t: bindCaptions(root, gone.signal),
    };
    for (const [key, view] of Object.entries(VIEW_KEYS)) keys[key] = () => this.show(view);
    this.#unbind.push(bindBar(this.#bar, this.#transport, {
      hear: (what) => this.hear(what),
      full: root.querySelector(".player-stage"),
      keys,
    }));
    if (original) this.#unbind.push(bindWipe(this.#compare));
    this.#unbind.push(bindComments(root, this.#transport, result.seconds));
    const closeUps = root.querySelector("[data-mouths]");
    if (closeUps) {
      const videos = { a: root.querySelector("#video-a"), b: root.querySelector("#video-b") };
      const mouths = new Mouths(closeUps, this.#transport, videos, mouth);
      this.#unbind.push(() => mouths.close());
    }
    this.#timeline = new Timeline(root.querySelector(".judge"), this.#transport);
    this.#timeline.setFacts({
      axis: result.seconds,
      mode: straight ? "silence" : mode,
      video: original && { ...original, kind: "" },
      audio: { seconds: result.seconds, peaks: result.peaks },
      soundtrack,
    });
    root.addEventListener("click", (event) => this.#clicked(event));
    if (original?.sound) this.#joinSounds(original, result, straight || mode === "cut_off" || mode === "silence");
    this.hear("voice");
    this.show(new URLSearchParams(location.search).get("mode") ?? "result");
    const start = Number(new URLSearchParams(location.search).get("t"));
    if (start > 0) this.#transport.seek(start);
  }

  close() {
    clearInterval(this.#blinking);
    this.#transport.clear();
    this.#timeline.close();
    for (const undo of this.#unbind) undo();
  }

  /** Second of the clock. */
  get time() {
    return this.#transport.time;
  }

  /** How to look: side, wipe, blink, mouth, result or original. Kept in the address, so that a link shows the same. */
  show(view) {
    if (view !== "result" && !this.root.querySelector(`button[data-view="${CSS.escape(view)}"]`)) return;
    this.root.dataset.view = view;
    const again = this.#compare.dataset.mode === view;
    this.#compare.dataset.mode = view;
    for (const button of this.root.querySelectorAll("button[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    }
    clearInterval(this.#blinking);
    this.#compare.classList.toggle("shows-b", view === "blink" && !(again && this.#compare.classList.contains("shows-b")));
    if (view === "blink" && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.#blinking = setInterval(() => this.#compare.classList.toggle("shows-b"), BLINK_MS);
    }
    const address = new URL(location.href);
    if (view === "result") address.searchParams.delete("mode");
    else address.searchParams.set("mode", view);
    history.replaceState(history.state, "", address);
  }

  /** Sound: "original" or "voice", which is the result's. */
  hear(what) {
    const media = this.root.querySelector(what === "original" ? "#video-a" : "#video-b");
    if (!media) return;
    this.#transport.hear(media);
    this.#transport.sounds?.hear(what === "original" ? "a" : "b");
    showHeard(this.#bar, what);
    this.root.querySelector(".sound-a")?.classList.toggle("heard", what === "original");
    this.root.querySelector(".sound-b")?.classList.toggle("heard", what !== "original");
  }

  /** Both soundtracks on one clock, decoded at the first play; where that cannot be, the page says what holds instead. */
  #joinSounds(original, result, isStraight) {
    const note = this.root.querySelector("[data-switching]");
    const say = (words) => { note.textContent = words; };
    const found = fits(original, result);
    if (!isStraight) say("The original runs otherwise here: the sounds are held together within half a frame.");
    else if (!found.fits) say(found.words);
    else {
      const sounds = new Sounds({ a: original, b: result }, say);
      this.#transport.sounds = sounds;
      this.#transport.addEventListener("state", () => {
        if (!this.#transport.playing) return;
        sounds.load();
        sounds.resume();
      });
      this.#unbind.push(() => sounds.close());
    }
  }

  /** Go to the second that is furthest off, then to the next. */
  worst() {
    const { worst } = this.#facts;
    if (!worst.length) return;
    this.#worstIndex = (this.#worstIndex + 1) % worst.length;
    this.#transport.seek(worst[this.#worstIndex] + 0.001);
  }

  #take(letter, map) {
    const video = this.root.querySelector(`#video-${letter}`);
    video.controls = false;
    this.#transport.add(video, map);
    sayWhereUnseen(video, this.root.querySelector(`[data-unplayable="${letter}"]`));
  }

  #clicked(event) {
    const view = event.target.closest("button[data-view]");
    if (view) this.show(view.dataset.view);
    if (event.target.closest("[data-worst]")) this.worst();
    const place = event.target.closest("[data-seek]");
    if (place) this.#transport.seek(Number(place.dataset.seek) + 0.001);
    if (event.target.closest(".pane") && !event.target.closest("button")) this.#transport.toggle();
  }
}

/** The result runs straight; behind its last frame it stands. */
function straightTo(seconds) {
  return (t) => ({ time: Math.min(t, seconds), rate: t < seconds ? 1 : 0 });
}
