/**
 * Several media played as one. There is one clock; the sound one hears keeps it, everything else is held to it.
 *
 * A track is a <video> or <audio> with a map from a second of the clock to a second of the file. While playing, a
 * track that is off by half a frame is brought back by running faster or slower; far behind it jumps, far ahead it
 * waits. Neither stops the sound. While paused, every track stands on the same frame.
 *
 * Events: "time" (detail: seconds) whenever the clock moves, "state" on play, pause, speed, loop and sound.
 */

// Further behind than this, a jump is quicker than catching up.
const JUMP_S = 0.25;
// Proportional speed-up: a drift shrinks to a third within a quarter of a second; nobody sees a picture run so briefly
// at one and a half times its speed.
const GAIN = 4;
const MOST = 0.5;
// What one hears may only be nudged: 2 % is below what is noticed in speech.
const MOST_AUDIBLE = 0.02;
const SPEEDS = [1, 2, 4];
// A seek takes well under a second; one that takes longer than this is asked for again.
const STUCK_MS = 2000;

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
    /** Decoded sounds (see sounds.js) that keep the clock while they can: forward at natural speed. */
    this.sounds = null;
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
    const off = new AbortController();
    const track = { media, map, off, audible: false, correcting: false, jumping: false, owed: false, from: 0, seekingSince: 0 };
    this.#tracks.push(track);
    media.preservesPitch = true;
    media.muted = true;
    // "seeked": the clock may have gone on while the browser was still looking for the place before. While playing only
    // a place that was asked for meanwhile counts: what lies ahead of it would stand until the clock comes by.
    const place = () => {
      if (!this.#wanted) this.#stand(track);
      else if (track.owed) this.#put(track);
    };
    for (const event of ["loadedmetadata", "seeked"]) media.addEventListener(event, place, { signal: off.signal });
    if (media.readyState >= 1) place();
    return track;
  }

  get #soundsLead() {
    return Boolean(this.sounds?.ready) && this.#direction === 1 && this.#rate === 1;
  }

  clear() {
    this.pause();
    for (const { off } of this.#tracks) off.abort();
    this.#tracks = [];
  }

  /** Hear this one and no other; null for silence. */
  hear(media) {
    for (const track of this.#tracks) track.audible = track.media === media;
    this.#mute();
    this.#say("state");
  }

  /** The elements are silent while the decoded sounds are heard. */
  #mute() {
    const silent = Boolean(this.sounds?.running);
    for (const track of this.#tracks) {
      const muted = silent || !track.audible;
      if (track.media.muted !== muted) track.media.muted = muted;
    }
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
    this.sounds?.stop();
    this.#mute();
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
    this.sounds?.stop();
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
    for (const track of this.#tracks) track.jumping &&= track.media.seeking;
    const late = this.#tracks.filter((track) => this.#isLate(track));
    this.#runSounds(late.length === 0);
    if (late.length === 0) this.#time = this.#lead() ?? this.#time + passed * this.#direction * this.#rate;
    if (this.#atEnd()) return;
    const lead = this.#leader();
    for (const track of this.#tracks) {
      // The picture starts when the sound is really running, or it would be ahead by the time sound takes to start.
      const waits = late.length ? !late.includes(track) : lead && track !== lead && !runs(lead);
      if (waits) track.media.pause();
      else if (!late.length) this.#hold(track);
    }
    this.#say("time");
    this.#request = requestAnimationFrame(this.#tick);
  };

  /** The decoded sounds run exactly while the films do; at another speed the elements sound, which keep the pitch. */
  #runSounds(free) {
    if (!this.sounds) return;
    const wanted = free && this.#soundsLead;
    if (wanted && !this.sounds.running) this.sounds.start(this.#time);
    else if (!wanted && this.sounds.running) this.sounds.stop();
    this.#mute();
  }

  /** The audible track, where it plays straight and has not come to its end. */
  #leader() {
    if (this.sounds?.running) return null;
    const track = this.#tracks.find((one) => one.audible);
    if (!track || this.#direction < 0) return null;
    const { media } = track;
    if (media.error || media.ended || media.currentTime >= media.duration - 0.03) return null;
    return track.map(this.#time).rate === 1 ? track : null;
  }

  /** Second of the clock as the leader tells it. */
  #lead() {
    if (this.sounds?.running) return this.sounds.time;
    const track = this.#leader();
    if (!track || track.media.seeking) return null;
    const ahead = track.media.currentTime - track.map(this.#time).time;
    return Math.abs(ahead) < JUMP_S ? this.#time + ahead : null;
  }

  /** Whether a running track has to load first: the clock and the others then wait for it. */
  #isLate(track) {
    const { media, map, jumping } = track;
    if (media.seeking && performance.now() - track.seekingSince > STUCK_MS) this.#put(track, { anyway: true });
    if (media.error || jumping || map(this.#time).rate * this.#direction <= 0) return false;
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
    if (drift > JUMP_S) {
      media.pause();
      return;
    }
    if (drift < -JUMP_S && !media.seeking) {
      track.jumping = true;
      this.#put(track);
    }
    track.correcting = Math.abs(drift) > (track.correcting ? 0.1 : 0.4) / this.fps;
    const most = track.audible ? MOST_AUDIBLE : MOST;
    const nudge = track.correcting ? Math.max(-most, Math.min(most, -drift * GAIN)) : 0;
    const rate = Math.min(16, Math.max(0.0625, speed * (1 + nudge)));
    // Each change restarts the browser's stretching of sound, so small ones are not worth it.
    if (nudge === 0 ? media.playbackRate !== rate : Math.abs(media.playbackRate - rate) > 0.03) media.playbackRate = rate;
    if (media.paused && !media.ended) {
      track.from = media.currentTime;
      media.play().catch((refusal) => this.#refused(media, refusal));
    }
  }

  /** A browser that forbids sound before a click still plays the picture. */
  #refused(media, refusal) {
    if (refusal.name === "NotAllowedError") media.muted = true;
  }

  #stand(track) {
    track.media.pause();
    track.correcting = false;
    this.#put(track);
  }

  /** Put a track where the clock is: while paused in the middle of the frame, so that rounding picks no neighbour. */
  #put(track, { anyway = false } = {}) {
    const { media } = track;
    if (media.readyState < HTMLMediaElement.HAVE_METADATA) return;
    // One place at a time: a browser asked for the next one while it seeks may never arrive at either.
    track.owed = media.seeking && !anyway;
    if (track.owed) return;
    const clock = this.#wanted ? this.#time : (this.frame + 0.5) / this.fps;
    const place = track.map(clock);
    const last = Number.isFinite(media.duration) ? Math.max(0, media.duration - 0.5 / this.fps) : place.time;
    const target = Math.max(0, Math.min(place.time, last));
    if (!anyway && Math.abs(media.currentTime - target) <= 1e-4) return;
    track.seekingSince = performance.now();
    media.currentTime = anyway ? target + 1e-3 : target;
  }
}

/** Whether a track has really begun to play: the promise of play() comes before the first sample is heard. */
function runs({ media, from }) {
  return !media.paused && media.currentTime > from + 1e-3;
}
