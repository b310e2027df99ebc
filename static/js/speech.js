/** Typing words to be spoken: the dialog, the counter, samples of voices, and what follows when they are spoken. */

import { toast } from "./shell.js";

const SAMPLE_TRIES = 40;
const SAMPLE_WAIT_MS = 500;
const dialog = document.getElementById("speech-dialog");
const sample = new Audio();
let asked = 0;

/** Open the form; words that are being spoken are shown instead, since they are not finished with. */
async function open(link) {
  const body = document.getElementById("speech-body");
  if (!body.querySelector("[data-speaking]")) {
    await htmx.ajax("GET", link.href, { target: "#speech-body", swap: "innerHTML", source: link });
  }
  dialog.showModal();
  prepare();
  body.querySelector("textarea")?.focus();
}

/** Counter and sliders as they stand after the form came or changed. */
function prepare() {
  document.querySelectorAll(".speech .slider").forEach(show);
  const words = document.getElementById("speech-script");
  if (words) count(words);
}

function show(slider) {
  const share = (slider.value - slider.min) / (slider.max - slider.min);
  slider.style.setProperty("--fill", `${share * 100}%`);
  slider.nextElementSibling.textContent = Number(slider.value).toFixed(2).replace(/0$/, "");
}

function count(words) {
  const limit = Number(words.dataset.limit);
  const { length } = [...words.value.trim()];
  const line = document.getElementById("speech-count");
  line.textContent = `${length.toLocaleString("en")} of ${limit.toLocaleString("en")} characters`;
  line.classList.toggle("over", length > limit);
  document.querySelector("[data-speak-go]").disabled = length > limit;
}

function filter(field) {
  const text = field.value.trim().toLowerCase();
  for (const voice of document.querySelectorAll(".voice-choice")) voice.hidden = !voice.dataset.words.includes(text);
}

/** Play the chosen voice's sample, which a worker may have to make first; a second click stops it. */
async function hear(button) {
  const label = button.querySelector("[data-hear-label]");
  const mine = (asked += 1);
  if (!sample.paused) {
    sample.pause();
    return;
  }
  const { preview } = document.querySelector(".voice-choice input:checked")?.dataset ?? {};
  if (!preview) {
    label.textContent = "This voice has no sample";
    return;
  }
  label.textContent = "Getting the sample";
  button.setAttribute("aria-busy", "true");
  const file = await ready(preview, () => mine === asked);
  button.removeAttribute("aria-busy");
  if (mine !== asked) return;
  if (!file) {
    label.textContent = "There is no sample now. Try again";
    return;
  }
  sample.src = URL.createObjectURL(file);
  sample.onplay = () => { label.textContent = "Stop"; };
  sample.onpause = () => { label.textContent = "Hear the voice"; };
  sample.play();
}

/** The bytes of a sample as soon as they are there; null where they do not come. */
async function ready(address, wanted) {
  for (let tries = 0; tries < SAMPLE_TRIES && wanted(); tries += 1) {
    const answer = await fetch(address).catch(() => null);
    if (answer?.status === 200) return answer.blob();
    if (answer?.status !== 202) return null;
    await new Promise((done) => setTimeout(done, SAMPLE_WAIT_MS));
  }
  return null;
}

function silence() {
  asked += 1;
  sample.pause();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-speak]");
  if (link && dialog && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    link.closest("[popover]")?.hidePopover();
    open(link);
  }
  const button = event.target.closest("[data-hear]");
  if (button) hear(button);
  if (dialog && (event.target === dialog || event.target.closest("#speech-dialog [data-close-dialog]"))) dialog.close();
});
document.addEventListener("input", (event) => {
  if (event.target.matches(".speech .slider")) show(event.target);
  if (event.target.id === "speech-script") count(event.target);
  if (event.target.matches("[data-voice-filter]")) filter(event.target);
});
document.addEventListener("change", (event) => {
  if (event.target.matches(".voice-choice input")) silence();
});
document.addEventListener("dblclick", (event) => {
  if (!event.target.matches(".speech .slider")) return;
  event.target.value = event.target.dataset.usual;
  show(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "speech-script" || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  event.target.form.requestSubmit(document.querySelector("[data-speak-go]"));
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.closest?.("#speech, #speech-body, #speech-voices")) prepare();
});
document.addEventListener("studio:spoken", () => {
  silence();
  if (dialog?.dataset.lands === "soundtrack") {
    dialog.close();
    toast("The words are the new soundtrack.");
    document.getElementById("speech-body").replaceChildren();
  } else if (dialog && !dialog.open) {
    toast("The words are spoken and lie in the library.");
  }
});
dialog?.addEventListener("close", silence);
prepare();
