/**
 * Where a second of the result comes from in the source video, for each sync mode.
 * The same table as the engine's: cut off plays straight, loop starts again, bounce turns round, silence holds the
 * last picture, remap stretches.
 *
 * @typedef {{time: number, rate: number}} Place  second in the source and how fast it runs there (0: stands still)
 */

/** Length of the result in seconds; 0 while something is missing. */
export function outputSeconds(mode, videoS, audioS) {
  if (!videoS || !audioS) return videoS || audioS || 0;
  if (mode === "cut_off") return Math.min(videoS, audioS);
  return mode === "silence" ? Math.max(videoS, audioS) : audioS;
}

/**
 * @param {string} mode
 * @param {number} videoS length of the source video in seconds
 * @param {number} audioS length of the soundtrack in seconds; 0 when there is none
 * @param {number} fps frames a second of the source: the first and last frame of a bounce are shown once
 * @returns {(t: number) => Place}
 */
export function placeInSource(mode, videoS, audioS, fps = 25) {
  if (mode === "remap" && audioS) return (t) => ({ time: (t * videoS) / audioS, rate: videoS / audioS });
  if (mode === "loop") return (t) => ({ time: videoS ? t % videoS : 0, rate: 1 });
  if (mode === "bounce") {
    const swing = Math.max(1 / fps, 2 * videoS - 2 / fps);
    return (t) => {
      const along = t % swing;
      return along < videoS ? { time: along, rate: 1 } : { time: 2 * videoS - 1 / fps - along, rate: -1 };
    };
  }
  return straight(videoS);
}

/** Plays once and then stands on its last picture. */
export function straight(lengthS) {
  return (t) => (lengthS && t >= lengthS ? { time: lengthS, rate: 0 } : { time: t, rate: 1 });
}
