// Draws server-made peaks: { rate: pairs per second, peaks: [[min, max], …] with values from -127 to 127 }.

/**
 * Draw the part from `from` to `to` seconds over the whole canvas, one column per device pixel.
 * `colour` is a CSS colour; by default the canvas element's own text colour.
 */
export function drawPeaks(canvas, { rate, peaks }, { from = 0, to = peaks.length / rate, colour = "" } = {}) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * scale));
  const height = Math.max(1, Math.round(canvas.clientHeight * scale));
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  context.fillStyle = colour || getComputedStyle(canvas).color;
  const middle = height / 2;
  const loudest = loudestOf(peaks);
  const perColumn = ((to - from) * rate) / width;
  for (let x = 0; x < width; x += 1) {
    const first = Math.max(0, Math.floor(from * rate + x * perColumn));
    const last = Math.min(peaks.length, Math.max(first + 1, Math.ceil(from * rate + (x + 1) * perColumn)));
    if (first >= last) continue;
    let low = 127;
    let high = -127;
    for (let i = first; i < last; i += 1) {
      if (peaks[i][0] < low) low = peaks[i][0];
      if (peaks[i][1] > high) high = peaks[i][1];
    }
    const top = middle - (high / loudest) * middle * 0.96;
    const bottom = middle - (low / loudest) * middle * 0.96;
    context.fillRect(x, Math.min(top, middle - scale / 2), 1, Math.max(scale, bottom - top));
  }
}

const known = new WeakMap();

/** Largest value of the recording, at least 16 of 127, so that quiet voices show and silence stays flat. */
function loudestOf(peaks) {
  if (!known.has(peaks)) {
    let loudest = 16;
    for (const [low, high] of peaks) loudest = Math.max(loudest, high, -low);
    known.set(peaks, loudest);
  }
  return known.get(peaks);
}

const fetched = new Map();

/** Waveform peaks of a file: { rate, peaks }. Fetched once per address. */
export function fetchPeaks(url) {
  if (!fetched.has(url)) {
    const answer = fetch(url).then((found) => {
      if (!found.ok) throw new Error(`The waveform answers ${found.status}.`);
      return found.json();
    });
    fetched.set(url, answer);
    answer.catch(() => fetched.delete(url));
  }
  return fetched.get(url);
}

/** Draw into every canvas[data-peaks] below `root`, again when its size or the theme changes. */
export function drawAll(root = document) {
  for (const canvas of root.querySelectorAll("canvas[data-peaks]:not([data-drawn])")) {
    canvas.dataset.drawn = "yes";
    fetchPeaks(canvas.dataset.peaks).then((peaks) => {
      const draw = () => canvas.isConnected && drawPeaks(canvas, peaks);
      new ResizeObserver(draw).observe(canvas);
      document.addEventListener("studio:theme", draw);
      draw();
    }).catch(() => canvas.setAttribute("data-missing", ""));
  }
}
