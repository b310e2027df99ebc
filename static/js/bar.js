/** The playback bar and the keys that go with it, bound to a transport. */

import { keyIsFree } from "./shell.js";
import { timecode } from "./timecode.js";

/**
 * @param {HTMLElement} bar  element with [data-clock], [data-length], [data-do] buttons, [data-speed], [data-hear] buttons
 * @param {import("./transport.js").Transport} transport
 * @param {{hear?: (what: string) => void, full?: HTMLElement, keys?: Record<string, () => void>}} hooks
 * @returns {() => void} unbinds everything
 */
export function bindBar(bar, transport, { hear, full, keys = {} } = {}) {
  const off = new AbortController();
  const { signal } = off;
  const clock = bar.querySelector("[data-clock]");
  const length = bar.querySelector("[data-length]");
  const speed = bar.querySelector("[data-speed]");
  const button = (what) => bar.querySelector(`[data-do="${what}"]`);

  const deeds = {
    toggle: () => transport.toggle(),
    previous: () => transport.step(-1),
    next: () => transport.step(1),
    loop: () => setLoop(!transport.loop),
    full: () => showFull(full),
  };
  const setLoop = (on) => {
    transport.loop = on;
    button("loop")?.setAttribute("aria-pressed", String(on));
  };

  bar.addEventListener("click", (event) => {
    const deed = event.target.closest("[data-do]");
    if (deed) deeds[deed.dataset.do]?.();
    const sound = event.target.closest("[data-hear]");
    if (sound) hear?.(sound.dataset.hear);
  }, { signal });
  speed?.addEventListener("change", () => transport.setRate(Number(speed.value)), { signal });

  const showTime = () => {
    clock.textContent = timecode(transport.time, 3);
    length.textContent = timecode(transport.duration, 3);
  };
  const showState = () => {
    bar.classList.toggle("playing", transport.playing);
    button("toggle").setAttribute("aria-label", transport.playing ? "Pause" : "Play");
    showTime();
  };
  transport.addEventListener("time", showTime, { signal });
  transport.addEventListener("state", showState, { signal });

  const byKey = {
    " ": deeds.toggle,
    k: () => transport.pause(),
    j: () => transport.shuttle(-1),
    l: () => transport.shuttle(1),
    ",": () => transport.step(-1),
    ".": () => transport.step(1),
    "<": () => transport.step(-10),
    ">": () => transport.step(10),
    ";": () => transport.step(-10),
    ":": () => transport.step(10),
    home: () => transport.seek(0),
    end: () => transport.seek(transport.duration),
    r: deeds.loop,
    f: deeds.full,
    a: () => hear?.("original"),
    b: () => hear?.("voice"),
    ...keys,
  };
  let pointed = false;
  document.addEventListener("pointerdown", () => { pointed = true; }, { signal, capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.key.startsWith("Arrow")) pointed = false;
    if (!keyIsFree(event)) return;
    const deed = byKey[event.key.toLowerCase()];
    // Space belongs to the control that one has gone to by keyboard. A button that was only clicked, on the way to a
    // look at what it did, gives it back.
    const control = event.target.closest?.("button, a, summary, [role=button], input");
    if (!deed || (event.key === " " && control && (!pointed || control.matches("input")))) return;
    if (event.key === " ") control?.blur();
    event.preventDefault();
    deed();
  }, { signal });

  showState();
  return () => off.abort();
}

function showFull(element) {
  if (document.fullscreenElement) document.exitFullscreen();
  else element?.requestFullscreen?.().catch(() => {});
}

/** Which of the sound buttons is down. */
export function showHeard(bar, what) {
  for (const button of bar.querySelectorAll("[data-hear]")) {
    button.setAttribute("aria-pressed", String(button.dataset.hear === what));
  }
}
