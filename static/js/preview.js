/** The workbench's stage: the source video with either its own sound or what the result will say, as it will run. */

import { bindBar, showHeard } from "./bar.js";
import { Mix, partAt, placeIn } from "./mix.js";
import { outputSeconds, placeInSource, straight } from "./syncmap.js";
import { Timeline } from "./timeline.js";
import { Transport } from "./transport.js";
import { sayWhereUnseen } from "./unseen.js";

export class Preview {
  #transport = new Transport();
  #timeline = new Timeline(document.getElementById("timeline"), this.#transport);
  #bar = document.querySelector("[data-transport]");
  #hearing = "voice";
  #files = "";
  #mix = new Mix();
  #voices = new Map();

  constructor() {
    this.#transport.addEventListener("time", () => this.#turn());
    this.#transport.addEventListener("state", () => this.#transport.playing && this.#hearing === "voice" && this.#mix.load());
    bindBar(this.#bar, this.#transport, { hear: (what) => this.#hear(what), full: document.getElementById("stage-picture") });
    // Within reach of tests and of the console.
    this.#bar.transport = this.#transport;
  }

  get transport() {
    return this.#transport;
  }

  get timeline() {
    return this.#timeline;
  }

  /** Show these facts; the media elements are taken up anew only when a file has changed. */
  show(facts) {
    const files = `${facts.video?.id} ${facts.audio?.id}`;
    const at = this.#transport.time;
    this.#transport.fps = facts.video?.fps ?? 25;
    this.#transport.duration = facts.length ?? outputSeconds(facts.mode, facts.video?.seconds ?? 0, facts.audio?.seconds ?? 0);
    this.#transport.clear();
    this.#gather(facts);
    if (files !== this.#files) this.#rebind(facts);
    this.#files = files;
    this.#timeline.setFacts(facts);
    const ratio = facts.video?.width / facts.video?.height || 16 / 9;
    document.querySelector("[data-frame]")?.style.setProperty("--ratio", ratio.toFixed(4));
    this.#hear(this.#hearing);
    this.#transport.seek(at);
  }

  #gather(facts) {
    const video = document.getElementById("stage-video");
    const audio = document.getElementById("stage-audio");
    if (video) {
      video.controls = false;
      this.#transport.add(video, placeInSource(facts.mode, facts.video.seconds, facts.audio?.seconds ?? 0, facts.video.fps));
    }
    if (audio) {
      audio.controls = false;
      this.#transport.add(audio, straight(facts.audio.seconds));
    }
    this.#gatherVoices(facts);
    this.#mix.set(facts.heard, { ...facts.sounds, voice: facts.audio, original: facts.video });
    this.#transport.sounds = facts.heard.length ? this.#mix : null;
  }

  /** An element for each sound that segments speak with; one that is no longer used lets go of its file. */
  #gatherVoices({ heard, sounds }) {
    const before = this.#voices;
    this.#voices = new Map();
    for (const id of new Set(heard.map(({ source }) => source))) {
      if (!sounds[id]) continue;
      const media = before.get(id) ?? new Audio(sounds[id].src);
      media.preload = "auto";
      this.#voices.set(id, media);
      this.#transport.add(media, placeIn(heard, id));
    }
    for (const [id, media] of before) if (!this.#voices.has(id)) media.removeAttribute("src");
  }

  /** While the new sound is heard: the element whose part it is. */
  #turn() {
    if (this.#hearing !== "voice" || !this.#mix.parts.length) return;
    const part = partAt(this.#mix.parts, this.#transport.time);
    const elements = { voice: "stage-audio", original: "stage-video" };
    const source = part?.source ?? "";
    const media = this.#voices.get(source) ?? document.getElementById(elements[source]);
    if (this.#transport.heard !== media) this.#transport.hear(media);
  }

  #rebind(facts) {
    this.#bar.hidden = !facts.video && !facts.audio;
    this.#bar.querySelector(".sounds").hidden = !(facts.video?.sound && facts.audio);
    this.#hearing = facts.audio ? "voice" : "original";
    const video = document.getElementById("stage-video");
    if (!video || video.dataset.bound) return;
    video.dataset.bound = "yes";
    video.addEventListener("click", () => this.#transport.toggle());
    sayWhereUnseen(video, document.querySelector("[data-unplayable]"));
  }

  #hear(what) {
    const media = document.getElementById(what === "voice" ? "stage-audio" : "stage-video");
    if (!media) return;
    this.#hearing = what;
    this.#mix.wanted = what === "voice";
    this.#transport.hear(media);
    this.#turn();
    if (this.#mix.wanted && this.#transport.playing) this.#mix.load();
    showHeard(this.#bar, what);
  }
}
