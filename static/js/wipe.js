/** The line between original and result: dragged, or moved by the arrow keys when it has the focus. */

export function bindWipe(compare) {
  const line = compare.querySelector("[data-wipe]");
  const off = new AbortController();
  let at = 50;

  const put = (percent) => {
    at = Math.min(100, Math.max(0, percent));
    compare.style.setProperty("--wipe", `${at}%`);
    line.setAttribute("aria-valuenow", String(Math.round(at)));
    line.setAttribute("aria-valuetext", `${Math.round(at)} % ${line.dataset.name}`);
  };

  line.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    line.focus({ preventScroll: true });
    line.setPointerCapture(event.pointerId);
    const drop = new AbortController();
    line.addEventListener("pointermove", (move) => {
      const box = compare.getBoundingClientRect();
      put(((move.clientX - box.left) / box.width) * 100);
    }, { signal: drop.signal });
    for (const end of ["pointerup", "pointercancel"]) {
      line.addEventListener(end, () => drop.abort(), { signal: drop.signal });
    }
  }, { signal: off.signal });

  line.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 1;
    const moves = { ArrowLeft: at - step, ArrowRight: at + step, Home: 0, End: 100 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
    put(moves[event.key]);
  }, { signal: off.signal });

  put(at);
  return () => off.abort();
}
