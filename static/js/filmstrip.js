/**
 * Small pictures of a video at even distances, taken from the file by the browser itself while nobody waits for it.
 * Frames arrive one after the other; `onPicture` is called after each.
 */

// Tall enough for a 60 px lane on a screen of double density.
const HEIGHT = 112;

export class Filmstrip {
  #stopped = false;

  /** @param {string} src  @param {number} seconds  @param {number} count  @param {() => void} onPicture */
  constructor(src, seconds, count, onPicture) {
    this.seconds = seconds;
    this.pictures = new Array(count).fill(null);
    this.aspect = 16 / 9;
    this.#take(src, onPicture);
  }

  stop() {
    this.#stopped = true;
  }

  /** The picture nearest to a second of the source, or null. */
  at(second) {
    const count = this.pictures.length;
    const wanted = Math.min(count - 1, Math.max(0, Math.floor((second / this.seconds) * count)));
    for (let away = 0; away < count; away += 1) {
      const found = this.pictures[wanted - away] ?? this.pictures[wanted + away];
      if (found) return found;
    }
    return null;
  }

  async #take(src, onPicture) {
    const video = document.createElement("video");
    video.muted = true;
    video.preload = "auto";
    video.src = src;
    try {
      await until(video, "loadeddata");
      this.aspect = video.videoWidth / video.videoHeight || this.aspect;
      for (const index of this.#order()) {
        if (this.#stopped) break;
        const second = ((index + 0.5) / this.pictures.length) * this.seconds;
        video.currentTime = Math.min(second, Math.max(0, video.duration - 0.05));
        await until(video, "seeked");
        this.pictures[index] = this.#still(video);
        onPicture();
      }
    } catch {
      // The browser cannot read this file; the stage says so, the lane stays plain.
    } finally {
      video.removeAttribute("src");
      video.load();
    }
  }

  /** From coarse to fine, so that the whole lane has pictures early: 0, then the middle, then the quarters. */
  #order() {
    const count = this.pictures.length;
    const seen = new Set();
    for (let step = count; step >= 1; step = Math.floor(step / 2)) {
      for (let index = 0; index < count; index += step) seen.add(index);
    }
    return seen;
  }

  #still(video) {
    const canvas = document.createElement("canvas");
    canvas.height = HEIGHT;
    canvas.width = Math.max(1, Math.round(HEIGHT * this.aspect));
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    return canvas;
  }
}

function until(video, event) {
  return new Promise((resolve, reject) => {
    video.addEventListener(event, resolve, { once: true });
    video.addEventListener("error", () => reject(video.error), { once: true });
  });
}
