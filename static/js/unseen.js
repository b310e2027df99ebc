/** Films whose picture this browser cannot show; the page says so instead of showing a still one. */

/** Reveal `notice` where nothing of the file can be played, or its sound alone (HEVC in many browsers). */
export function sayWhereUnseen(video, notice) {
  const say = () => { notice.hidden = false; };
  const look = () => { if (!video.videoWidth) say(); };
  video.addEventListener("error", say);
  video.addEventListener("loadedmetadata", look);
  if (video.error) say();
  else if (video.readyState >= HTMLMediaElement.HAVE_METADATA) look();
}
