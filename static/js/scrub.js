/** Moving the pointer over a film's card runs through it. The file is asked for after a moment's rest, not at a pass. */

const INTENT_MS = 80;
const touch = matchMedia("(hover: none)").matches;

function open(thumb) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, preload: "metadata", playsInline: true, src: thumb.dataset.scrub });
  video.className = "scrub";
  video.tabIndex = -1;
  video.setAttribute("aria-hidden", "true");
  const line = document.createElement("span");
  line.className = "scrub-line";
  thumb.append(video, line);
  let wanted = 0;
  const seek = () => { if (!video.seeking && video.readyState >= 1) video.currentTime = wanted; };
  video.addEventListener("seeked", () => {
    video.classList.add("shown");
    if (Math.abs(video.currentTime - wanted) > 0.05) seek();
  });
  video.addEventListener("loadedmetadata", seek);
  return {
    at(share) {
      wanted = share * Number(thumb.dataset.seconds);
      line.style.setProperty("left", `${share * 100}%`);
      seek();
    },
    close() {
      video.removeAttribute("src");
      video.load();
      video.remove();
      line.remove();
    },
  };
}

if (!touch) {
  document.addEventListener("pointerover", (event) => {
    const thumb = event.target.closest?.("[data-scrub]");
    if (!thumb || thumb.dataset.scrubbing) return;
    thumb.dataset.scrubbing = "yes";
    let film = null;
    let share = 0;
    const off = new AbortController();
    const timer = setTimeout(() => {
      film = open(thumb);
      film.at(share);
    }, INTENT_MS);
    thumb.addEventListener("pointermove", (move) => {
      const box = thumb.getBoundingClientRect();
      share = Math.min(1, Math.max(0, (move.clientX - box.left) / box.width));
      film?.at(share);
    }, { signal: off.signal });
    thumb.addEventListener("pointerleave", () => {
      clearTimeout(timer);
      off.abort();
      film?.close();
      delete thumb.dataset.scrubbing;
    }, { signal: off.signal });
  });
}
