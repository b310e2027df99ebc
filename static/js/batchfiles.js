/** What the chosen files of a batch come to: so many videos with so many soundtracks. */

const form = document.querySelector("[data-batch-files]");
const words = form.querySelector("[data-batch-words]");
const unchosen = words.textContent;
const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function say() {
  const [videos, sounds] = ["video", "audio"].map((kind) => form.querySelectorAll(`#offer-${kind} :checked`).length);
  words.textContent = videos || sounds ? `${counted(videos, "video")} × ${counted(sounds, "soundtrack")}: ${counted(videos * sounds, "take")}` : unchosen;
}

form.addEventListener("change", say);
document.addEventListener("htmx:afterSwap", say);
say();
