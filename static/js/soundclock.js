// Sound starts this much after it was asked for, so that all of it is laid in time.
const AHEAD_S = 0.03;

/** What is played from memory on the clock of the sound device, which then tells the time to the sample. */
export class SoundClock {
  context = null;
  #began = null;

  get running() {
    return this.#began !== null;
  }

  /** Second of the film that is heard now; null while nothing runs. */
  get time() {
    if (!this.#began) return null;
    const heard = this.context.currentTime - (this.context.outputLatency || 0);
    return this.secondAt(Math.max(heard, this.#began.at));
  }

  /** Second of the film at a moment of the device's clock. */
  secondAt(moment) {
    return this.#began.second + moment - this.#began.at;
  }

  /** Let a second of the film be heard shortly; returns the moment of the device's clock at which it is. */
  begin(second) {
    this.#began = { at: this.context.currentTime + AHEAD_S, second };
    return this.#began.at;
  }

  end() {
    this.#began = null;
  }
}
