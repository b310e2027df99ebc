/** Ranges of the film, without a page: how one gives way to another, where a sound speaks, where a range is drawn. */

// The engine drives no range shorter than five frames.
export const SHORTEST_S = 0.2;
// Pauses within a sentence are shorter; a breath before and after belongs to it.
const PAUSE_S = 0.6;
const BREATH_S = 0.12;
// Quieter than this share of the loudest is no speech (−28 dB), nor are the last two steps of a peak's 127.
const QUIET = 0.04;
const FAINT = 2;
// A draft has room for 50 segments; the other half is for the other speakers.
const MOST = 25;

export const round = (seconds) => Math.round(seconds * 1000) / 1000;

/** What a segment is when another one lies over it: cut at one side, in two, or gone. */
export function cutAway(row, over) {
  const left = trimmed(row, { end_s: Math.min(row.end_s, over.start_s) });
  const gone = Math.max(row.start_s, over.end_s) - row.start_s;
  // The part to the right goes on hearing its own sound where that stood.
  const right = { ...row, start_s: Math.max(row.start_s, over.end_s), audio_start_s: row.audio ? round(row.audio_start_s + gone) : 0 };
  return [left, right].filter((part) => round(part.end_s - part.start_s) >= SHORTEST_S);
}

/**
 * A segment with another start or end. One that hears a piece of its sound (`audio_end_s`) goes on hearing it where it
 * stood, a longer or shorter piece; one that hears all of its sound takes it along.
 */
export function trimmed(row, edges) {
  const moved = { ...row, ...edges };
  if (!row.audio || row.audio_end_s === null) return moved;
  const from = row.audio_start_s + moved.start_s - row.start_s;
  // Where the sound has not begun yet, the segment cannot either.
  if (from < 0) moved.start_s = round(moved.start_s - from);
  moved.audio_start_s = round(Math.max(0, from));
  moved.audio_end_s = round(row.audio_end_s + moved.end_s - row.end_s);
  return moved;
}

/**
 * Where a sound speaks: [start, end] in seconds, at most `MOST` of them, none beyond `end`.
 * `peaks` are pairs of −127 to 127, `rate` of them a second. Pauses are bridged, longer ones where ranges are too many.
 */
export function spokenRanges({ rate, peaks }, end) {
  const loudness = peaks.map(([low, high]) => Math.max(high, -low));
  const least = Math.max(FAINT, QUIET * loudness.reduce((one, two) => Math.max(one, two), 0));
  for (let pause = PAUSE_S; ; pause *= 2) {
    const ranges = [];
    loudness.forEach((loud, index) => {
      if (loud <= least) return;
      const [from, to] = [Math.max(0, index / rate - BREATH_S), Math.min(end, (index + 1) / rate + BREATH_S)];
      const last = ranges.at(-1);
      if (last && from - last[1] < pause) last[1] = Math.max(last[1], to);
      else if (to > from) ranges.push([from, to]);
    });
    const found = ranges.filter(([from, to]) => to - from >= SHORTEST_S);
    if (found.length <= MOST) return found;
  }
}

/** Put an element where a row lies on an axis of so many seconds. */
export function place(element, row, axis) {
  element.style.setProperty("left", `${axis ? (row.start_s / axis) * 100 : 0}%`);
  element.style.setProperty("width", `${axis ? ((row.end_s - row.start_s) / axis) * 100 : 0}%`);
}
