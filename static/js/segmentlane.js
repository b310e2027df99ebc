/** The lanes of segments and of the footage check: a button for each, where it lies on the axis. */

import { place } from "./ranges.js";
import { timecode } from "./timecode.js";

/** `nameOf` says what a sound is called; what had the focus has it again. */
export function drawClips(lane, rows, { axis, editable, chosen, nameOf }) {
  const focused = lane.contains(document.activeElement);
  lane.replaceChildren(...rows.map((row, index) => {
    const item = document.createElement("li");
    const clip = document.createElement("button");
    clip.type = "button";
    clip.className = row.lipsync ? "clip" : "clip leaves";
    clip.dataset.clip = String(index);
    clip.setAttribute("aria-pressed", String(index === chosen));
    const name = row.lipsync ? (row.audio ? nameOf(row.audio) : "Soundtrack") : "No lipsync";
    clip.textContent = name;
    clip.setAttribute("aria-label", `${name}, ${timecode(row.start_s)} to ${timecode(row.end_s)}${editable ? ". Arrow keys move it" : ""}`);
    place(clip, row, axis);
    item.append(clip);
    return item;
  }));
  if (focused) lane.querySelector(`[data-clip="${chosen}"]`)?.focus();
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
