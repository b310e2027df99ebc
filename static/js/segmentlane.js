/** The lanes of segments and of the footage check: a button for each, where it lies on the axis. */

import { place } from "./ranges.js";
import { timecode } from "./timecode.js";
import { drawPeaks, fetchPeaks } from "./waveform.js";

/** `nameOf` says what a sound is called, `facts` which files there are; what had the focus has it again. */
export function drawClips(lane, rows, { axis, editable, chosen, nameOf, facts }) {
  const focused = lane.contains(document.activeElement);
  lane.replaceChildren(...rows.map((row, index) => {
    const item = document.createElement("li");
    const clip = document.createElement("button");
    clip.type = "button";
    clip.className = row.lipsync ? "clip" : "clip leaves";
    // Every second speaker has the second colour of voices.
    clip.classList.toggle("other-voice", personOf(row, facts)?.number % 2 === 0);
    clip.dataset.clip = String(index);
    clip.setAttribute("aria-pressed", String(index === chosen));
    const sound = row.audio ? nameOf(row.audio) : "Soundtrack";
    const who = personOf(row, facts)?.name;
    const name = row.lipsync ? (who ? `${who}, ${sound}` : sound) : "No lipsync";
    const label = document.createElement("span");
    label.textContent = name;
    clip.append(...waveOf(row, facts), label);
    clip.setAttribute("aria-label", `${name}, ${timecode(row.start_s)} to ${timecode(row.end_s)}${editable ? ". Arrow keys move it" : ""}`);
    place(clip, row, axis);
    item.append(clip);
    return item;
  }));
  if (focused) lane.querySelector(`[data-clip="${chosen}"]`)?.focus();
  drawWaves(lane);
}

function personOf({ face }, { people = [] }) {
  return face?.kind === "person" ? people.find(({ id }) => id === face.id) : undefined;
}

/** The wave of what is heard in a clip: of its own sound, or of the soundtrack where that stands; none for neither. */
function waveOf(row, { sounds = {}, audio }) {
  const file = row.audio ? sounds[row.audio] : audio;
  if (!row.lipsync || !file?.peaks) return [];
  const from = row.audio ? row.audio_start_s : row.start_s;
  const length = row.end_s - row.start_s;
  const heard = Math.min(length, (row.audio_end_s ?? file.seconds) - from);
  if (heard <= 0) return [];
  const canvas = document.createElement("canvas");
  Object.assign(canvas.dataset, { wave: file.peaks, from: String(from), to: String(from + heard) });
  canvas.style.setProperty("width", `${(heard / length) * 100}%`);
  return [canvas];
}

/** Draw the waves of all clips anew, after their size or the theme has changed. */
export function drawWaves(lane) {
  for (const canvas of lane.querySelectorAll("canvas[data-wave]")) {
    const { wave, from, to } = canvas.dataset;
    const range = { from: Number(from), to: Number(to) };
    fetchPeaks(wave).then((peaks) => canvas.isConnected && drawPeaks(canvas, peaks, range)).catch(() => {}); // it stays plain
  }
}

export function drawMarks(lane, marks, axis) {
  lane.replaceChildren(...marks.map((mark, index) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = `check-mark ${mark.tone}${mark.end > mark.start ? "" : " cut"}`;
    button.dataset.mark = String(index);
    button.title = `${mark.title}. ${mark.says}`;
    button.setAttribute("aria-label", `${mark.title} at ${timecode(mark.start)}`);
    if (mark.end > mark.start) button.textContent = mark.title;
    place(button, { start_s: mark.start, end_s: mark.end }, axis);
    item.append(button);
    return item;
  }));
}
