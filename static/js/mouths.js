/**
 * The mouth close-ups: both films at the playhead, cut to where the mouth is. The report holds a place every fifth of a
 * second; between two places the picture glides straight.
 */

import { prepare } from "./lanes.js";

// Width of the cut in eye distances: from the nose's base to the chin, and a little cheek on both sides.
const WIDE = 1.2;

export class Mouths {
  #root;
  #transport;
  #tracks;
  #off = new AbortController();

  /**
   * @param {HTMLElement} root  element with canvas[data-mouth="a|b"]
   * @param {import("./transport.js").Transport} transport
   * @param {{a: HTMLVideoElement | null, b: HTMLVideoElement}} videos
   * @param {{rate: number, at: ([number, number, number] | null)[]}} track  where the mouth is, in fractions
   */
  constructor(root, transport, videos, track) {
    this.#root = root;
    this.#transport = transport;
    this.#tracks = track;
    this.videos = videos;
    const { signal } = this.#off;
    transport.addEventListener("time", () => this.draw(), { signal });
    for (const video of Object.values(videos)) {
      for (const event of ["seeked", "loadeddata"]) video?.addEventListener(event, () => this.draw(), { signal });
    }
    this.#watcher = new ResizeObserver(() => this.draw());
    this.#watcher.observe(root);
  }

  #watcher;

  close() {
    this.#off.abort();
    this.#watcher.disconnect();
  }

  /** Middle and size of the mouth at a second, as fractions of the picture; the last known place where none is seen. */
  placeAt(seconds) {
    const { at, rate } = this.#tracks;
    const along = Math.min(at.length - 1, Math.max(0, seconds * rate));
    const before = at[Math.floor(along)];
    const after = at[Math.min(at.length - 1, Math.ceil(along))];
    if (before && after) return before.map((value, index) => value + (after[index] - value) * (along % 1));
    if (before ?? after) return before ?? after;
    for (let index = Math.floor(along); index >= 0; index -= 1) if (at[index]) return at[index];
    return at.find(Boolean) ?? null;
  }

  draw() {
    if (!this.#root.offsetParent) return;
    const place = this.placeAt(this.#transport.time);
    for (const canvas of this.#root.querySelectorAll("canvas")) {
      const video = this.videos[canvas.dataset.mouth];
      if (!video || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || !place) continue;
      const { pen, width, height } = prepare(canvas);
      const across = Math.min(place[2] * WIDE, 1) * video.videoWidth;
      const tall = across * (height / width);
      const left = Math.min(Math.max(0, place[0] * video.videoWidth - across / 2), video.videoWidth - across);
      const top = Math.min(Math.max(0, place[1] * video.videoHeight - tall / 2), Math.max(0, video.videoHeight - tall));
      pen.imageSmoothingQuality = "high";
      pen.drawImage(video, left, top, across, tall, 0, 0, width, height);
    }
  }
}
