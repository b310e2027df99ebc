/**
 * Drawing of the timeline's lanes on canvas. Everything is placed by second, one second is equally wide in every lane.
 * Colours come from the canvas' own CSS: `color` for the drawing, `border-color` for the ruler's ticks.
 */

import { timecode } from "./timecode.js";

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
// Narrower than this, two labels of the ruler touch.
const LABEL_PX = 68;
const loudest = new WeakMap();

/** Fit a canvas to its box at the screen's density. Returns the context and the size in CSS pixels. */
export function prepare(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const density = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = Math.max(1, Math.round(width * density));
  canvas.height = Math.max(1, Math.round(height * density));
  const pen = canvas.getContext("2d");
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/** Labels at round seconds. */
export function drawRuler(canvas, seconds) {
  const { pen, width, height } = prepare(canvas);
  if (!seconds) return;
  const style = getComputedStyle(canvas);
  const step = STEPS.find((one) => (one / seconds) * width >= LABEL_PX) ?? 1200;
  pen.font = `${style.fontSize} ${style.fontFamily}`;
  pen.textBaseline = "middle";
  for (let index = 0; index * step < seconds; index += 1) {
    const x = Math.round(((index * step) / seconds) * width) + 0.5;
    pen.strokeStyle = style.borderTopColor;
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, height);
    pen.stroke();
    const label = timecode(index * step, step < 1 ? 1 : 0);
    if (x + 5 + pen.measureText(label).width <= width) {
      pen.fillStyle = style.color;
      pen.fillText(label, x + 5, height / 2 + 0.5);
    }
  }
}

/**
 * A waveform: one column per pixel from the lowest to the highest peak that falls into it.
 * @param {number[][]} peaks pairs of −127…127, `rate` a second
 * @param {(t: number) => number | null} secondOf second of the file at a second of the axis; null: nothing there
 */
export function drawWave(canvas, { peaks, rate }, axisSeconds, secondOf) {
  const { pen, width, height } = prepare(canvas);
  const middle = height / 2;
  const loudness = (middle - 2) / loudestOf(peaks);
  pen.fillStyle = getComputedStyle(canvas).color;
  const columns = Math.ceil(width);
  let before = null;
  for (let x = 0; x < columns; x += 1) {
    const from = secondOf((x / columns) * axisSeconds);
    const to = secondOf(((x + 1) / columns) * axisSeconds);
    if (from === null || to === null) {
      before = null;
      continue;
    }
    const [low, high] = extent(peaks, Math.min(from, to) * rate, Math.max(from, to) * rate);
    const top = middle - high * loudness;
    const bottom = middle - low * loudness;
    // Join to the column before, so that a fast slope leaves no gap; silence stays visible as a thin line.
    const joinedTop = before ? Math.min(top, before.bottom) : top;
    const joinedBottom = before ? Math.max(bottom, before.top) : bottom;
    pen.fillRect(x, joinedTop - 0.5, 1, Math.max(1, joinedBottom - joinedTop + 1));
    before = { top, bottom };
  }
}

/** Loudest value of a recording, at least 16 of 127: quiet voices show, silence stays flat. */
function loudestOf(peaks) {
  if (!loudest.has(peaks)) {
    let most = 16;
    for (const [low, high] of peaks) most = Math.max(most, high, -low);
    loudest.set(peaks, most);
  }
  return loudest.get(peaks);
}

function extent(peaks, from, to) {
  let low = 0;
  let high = 0;
  const last = Math.min(peaks.length - 1, Math.max(Math.floor(from), Math.ceil(to) - 1));
  for (let index = Math.max(0, Math.floor(from)); index <= last; index += 1) {
    if (peaks[index][0] < low) low = peaks[index][0];
    if (peaks[index][1] > high) high = peaks[index][1];
  }
  return [low, high];
}

/** Pictures side by side, each showing the source second under its middle. */
export function drawPictures(canvas, strip, axisSeconds, secondOf) {
  const { pen, width, height } = prepare(canvas);
  const cell = Math.max(24, height * strip.aspect);
  for (let x = 0; x < width; x += cell) {
    const second = secondOf((Math.min(x + cell / 2, width - 1) / width) * axisSeconds);
    const picture = second === null ? null : strip.at(second);
    if (picture) pen.drawImage(picture, x, 0, cell - 1, height);
  }
}
