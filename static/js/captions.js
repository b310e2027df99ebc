/** Captions over the picture, whatever the view: the browser reads the track, the words are drawn here. */

/** @returns {() => void} shows them or hides them */
export function bindCaptions(root, off) {
  const track = root.querySelector("#captions-track")?.track;
  const line = root.querySelector("[data-caption]");
  const button = root.querySelector("[data-captions]");
  if (!track || !line || !button) return () => {};
  let shown = true;
  track.mode = "hidden"; // read, and not drawn a second time by the browser
  const draw = () => {
    const words = [...(track.activeCues ?? [])].map((cue) => cue.getCueAsHTML().textContent).join("\n");
    line.hidden = !shown || !words;
    line.firstElementChild.textContent = words;
  };
  const toggle = () => {
    shown = !shown;
    button.setAttribute("aria-pressed", String(shown));
    draw();
  };
  track.addEventListener("cuechange", draw, { signal: off });
  button.addEventListener("click", toggle, { signal: off });
  draw();
  return toggle;
}
