/**
 * Several media played as one. There is one clock; the sound one hears keeps it, everything else is held to it.
 *
 * A track is a <video> or <audio> with a map from a second of the clock to a second of the file. While playing, a
 * track that is off by more than half a frame is brought back by running a little faster or slower; off by more than
 * JUMP_S it is put there. While paused, every track stands on the same frame.
 *
 * Events: "time" (detail: seconds) whenever the clock moves, "state" on play, pause, speed, loop and sound.
 */

// Beyond this a jump is quicker than catching up: at 20 % faster, 0.25 s take more than a second.
const JUMP_S = 0.25;
// Proportional speed-up: a drift of 40 ms is made up in about half a second.
const GAIN = 2;
const MOST = 0.2;
// What one hears may only be nudged: 2 % is below what is noticed in speech.
const MOST_AUDIBLE = 0.02;
const SPEEDS = [1, 2, 4];

export class Transport extends EventTarget {
  #tracks = [];
  #time = 0;
  #stamp = 0;
  #rate = 1;
  #direction = 0;
  #request = 0;
  #wanted = false;

  /** @param {{fps?: number, duration?: number}} facts */
  constructor({ fps = 25, duration = 0 } = {}) {
    super();
    this.fps = fps;
    this.duration = duration;
    this.loop = false;
    this.range = null;
  }

  get time() {
    return this.#time;
  }

  get playing() {
    return this.#wanted;
  }

  get rate() {
    return this.#rate;
  }

  /** Signed speed of the shuttle: 0 paused, 2 twice as fast, −1 backwards. */
  get speed() {
    return this.#wanted ? this.#direction * this.#rate : 0;
  }

  /** @param {HTMLMediaElement} media  @param {(t: number) => {time: number, rate: number}} map */
  add(media, map) {
    const track = { media, map, audible: false, correcting: false };
    this.#tracks.push(track);
    media.preservesPitch = true;
    media.muted = true;
    const place = () => !this.#wanted && this.#stand(track);
    media.addEventListener("loadedmetadata", place);
    if (media.readyState >= 1) place();
    return track;
  }

  remove(media) {
    this.#tracks = this.#tracks.filter((track) => track.media !== media);
  }

  clear() {
    this.pause();
    for (const track of this.#tracks) track.media.pause();
    this.#tracks = [];
  }

  /** Hear this one and no other; null for silence. */
  hear(media) {
    for (const track of this.#tracks) {
      track.audible = track.media === media;
      track.media.muted = !track.audible;
    }
    this.#say("state");
  }

  get heard() {
    return this.#tracks.find((track) => track.audible)?.media ?? null;
  }

  toggle() {
    if (this.#wanted) this.pause();
    else this.play();
  }

  play() {
    this.#run(1);
  }

  pause() {
    this.#wanted = false;
    cancelAnimationFrame(this.#request);
    for (const track of this.#tracks) this.#stand(track);
    this.#say("state");
  }

  /** The speed that Play uses, 0.25 to 2. */
  setRate(rate) {
    this.#rate = rate;
    this.#say("state");
  }

  /** J (−1) and L (1): the same again doubles the speed, the other way turns round. */
  shuttle(direction) {
    if (this.#wanted && Math.sign(this.#direction) === direction) {
      const faster = SPEEDS[Math.min(SPEEDS.indexOf(Math.abs(this.#direction)) + 1, SPEEDS.length - 1)];
      this.#run(direction * faster);
    } else this.#run(direction);
  }

  seek(seconds) {
    const last = Math.max(0, this.duration - 0.5 / this.fps);
    this.#time = Math.min(Math.max(0, seconds), last);
    this.#stamp = performance.now();
    for (const track of this.#tracks) this.#put(track);
    this.#say("time");
  }

  /** Move by whole frames, pausing first. */
  step(frames) {
    if (this.#wanted) this.pause();
    this.seek((this.frame + frames + 0.5) / this.fps);
  }

  /** Number of the frame shown, from 0. */
  get frame() {
    return Math.floor(this.#time * this.fps + 1e-3);
  }

  #say(what) {
    this.dispatchEvent(new CustomEvent(what, { detail: this.#time }));
  }

  #run(direction) {
    const end = this.range ? this.range[1] : this.duration;
    if (direction > 0 && this.#time >= end - 1 / this.fps) this.seek(this.range ? this.range[0] : 0);
    this.#direction = direction;
    this.#wanted = true;
    this.#stamp = performance.now();
    cancelAnimationFrame(this.#request);
    this.#request = requestAnimationFrame(this.#tick);
    this.#say("state");
  }

  #tick = (now) => {
    const passed = Math.min(0.25, Math.max(0, (now - this.#stamp) / 1000));
    this.#stamp = now;
    const late = this.#tracks.filter((track) => this.#isLate(track));
    if (late.length === 0) this.#time = this.#lead() ?? this.#time + passed * this.#direction * this.#rate;
    if (this.#atEnd()) return;
    for (const track of this.#tracks) {
      if (late.length === 0) this.#hold(track);
      else if (!late.includes(track)) track.media.pause();
    }
    this.#say("time");
    this.#request = requestAnimationFrame(this.#tick);
  };

  /** Second of the clock as the audible track tells it, where it plays straight. */
  #lead() {
    const track = this.#tracks.find((one) => one.audible);
    if (!track || this.#direction < 0 || track.media.paused || track.media.seeking) return null;
    const place = track.map(this.#time);
    const told = this.#time + (track.media.currentTime - place.time);
    return place.rate === 1 && Math.abs(told - this.#time) < JUMP_S ? told : null;
  }

  /** Whether a running track has to load first: the clock and the others then wait for it. */
  #isLate({ media, map }) {
    if (media.error || map(this.#time).rate * this.#direction <= 0) return false;
    if (media.ended || media.currentTime >= media.duration - 0.1) return false;
    return media.seeking || media.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
  }

  #atEnd() {
    const [from, to] = this.range ?? [0, this.duration];
    if (this.#direction > 0 && this.#time >= to - 0.25 / this.fps) {
      if (!this.loop) {
        this.#time = Math.max(from, to - 0.5 / this.fps);
        this.pause();
        this.#say("time");
        return true;
      }
      this.seek(from);
    } else if (this.#direction < 0 && this.#time <= from) {
      this.#time = from;
      this.pause();
      this.#say("time");
      return true;
    }
    return false;
  }

  /** One step of holding a playing track to the clock. */
  #hold(track) {
    const { media } = track;
    if (media.error) return;
    const place = track.map(this.#time);
    const speed = place.rate * this.#direction * this.#rate;
    const drift = media.currentTime - place.time;
    if (speed <= 0) {
      media.pause();
      if (!media.seeking && Math.abs(drift) > 0.5 / this.fps) this.#put(track);
      return;
    }
    if (Math.abs(drift) > JUMP_S && !media.seeking) this.#put(track);
    track.correcting = Math.abs(drift) > (track.correcting ? 0.1 : 0.4) / this.fps;
    const most = track.audible ? MOST_AUDIBLE : MOST;
    const nudge = track.correcting ? Math.max(-most, Math.min(most, -drift * GAIN)) : 0;
    const rate = Math.min(16, Math.max(0.0625, speed * (1 + nudge)));
    if (media.playbackRate !== rate) media.playbackRate = rate;
    if (media.paused && !media.ended) media.play().catch(() => this.#refused(media));
  }

  /** A browser that forbids sound before a click still plays the picture. */
  #refused(media) {
    if (media.muted || !this.#wanted) return;
    media.muted = true;
  }

  #stand(track) {
    track.media.pause();
    track.correcting = false;
    this.#put(track);
  }

  /** Put a track where the clock is: while paused in the middle of the frame, so that rounding picks no neighbour. */
  #put(track) {
    const { media } = track;
    if (media.readyState < HTMLMediaElement.HAVE_METADATA) return;
    const clock = this.#wanted ? this.#time : (this.frame + 0.5) / this.fps;
    const place = track.map(clock);
    const last = Number.isFinite(media.duration) ? Math.max(0, media.duration - 0.5 / this.fps) : place.time;
    const target = Math.max(0, Math.min(place.time, last));
    if (Math.abs(media.currentTime - target) > 1e-4) media.currentTime = target;
  }
}
