/** The workbench's page: preview, draft that saves as one goes, choosing and dropping files, Ctrl Enter. */

import { bindDraft } from "./draft.js";
import { Faces } from "./faces.js";
import { History } from "./history.js";
import { showLocalTimes } from "./localtime.js";
import { bindPicker } from "./picker.js";
import { Preview } from "./preview.js";
import { spokenRanges } from "./ranges.js";
import { Segments } from "./segments.js";
import { toast } from "./shell.js";
import { fetchPeaks } from "./waveform.js";

const preview = new Preview();
const segments = new Segments(document.getElementById("timeline"), preview.timeline, preview.transport);
const faces = new Faces(preview.transport, choosePerson);
const history = new History(document.getElementById("draft"), segments);
let shown = "";

/** Facts are replaced by every answer that concerns them; what is the same is left alone. */
function refresh() {
  history.seeFiles();
  const { facts } = document.getElementById("facts").dataset;
  if (facts === shown) return;
  shown = facts;
  preview.show(JSON.parse(facts));
  segments.setFacts(JSON.parse(facts));
  faces.setFacts(JSON.parse(facts));
}

/** Who gets the new lips: in the chosen segment, else in the whole film. Choosing the same again leaves it open. */
function choosePerson(id) {
  if (segments.choosePerson(id)) return;
  const field = document.getElementById("off-option-active_speaker_detection");
  const wanted = `person:${id}`;
  field.value = field.value === wanted ? "off" : wanted;
  document.getElementById("option-active_speaker_detection").checked = false;
  for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
}

/** A sound of a person's own: segments wherever it speaks, so that the others can have theirs between. */
async function speakWith({ speaksWith: audio, personId, peaks, seconds }, name) {
  document.getElementById("picker").close();
  const film = JSON.parse(shown).video?.seconds ?? 0;
  const whole = [[0, Math.min(Number(seconds), film)]];
  const ranges = audio && (peaks ? spokenRanges(await fetchPeaks(peaks), film) : whole);
  if (audio && !ranges.length) toast(`Nothing is heard in ${name} while the film runs.`, { bad: true });
  else segments.speak(Number(personId), audio, ranges || []);
}

/** On a phone one panel at a time stands below the picture. */
function showPanel(name) {
  document.querySelector("[data-workbench]").dataset.panel = name;
  for (const tab of document.querySelectorAll("[data-tab]")) tab.setAttribute("aria-pressed", String(tab.dataset.tab === name));
}

/** What the check offers: each fix is an edit like any other, saved with the draft and undone with it. */
function fix({ fix: action, value, start, end }) {
  if (action === "exclude") {
    segments.exclude(Number(start), Number(end));
    return;
  }
  const control = action === "model" ? document.querySelector(`[name="model"][value="${CSS.escape(value)}"]`) : document.getElementById(`option-${value}`);
  control?.click();
}

refresh();
showLocalTimes();
bindDraft();
bindPicker();
document.addEventListener("htmx:oobAfterSwap", refresh);

// Whoever goes elsewhere while Generate still waits has the last word: its answer must not turn them back to the take.
// A way that came to nothing (stopped, no network) is forgotten after a while.
const GONE_MS = 10_000;
let wentAt = -Infinity;
addEventListener("beforeunload", () => { wentAt = performance.now(); });
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Redirect") === null) return;
  if (performance.now() - wentAt < GONE_MS) event.preventDefault();
});

// A page that the browser had only put aside knows neither the take made from it nor the draft's revision by now.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

/** The models side by side: the inside of the dialog is a page of its own where scripts are off. */
async function openCompare(link) {
  const dialog = document.getElementById("compare");
  await htmx.ajax("GET", link.href, { target: "#compare-body", swap: "outerHTML", source: link });
  dialog.showModal();
  dialog.addEventListener("close", () => document.getElementById("open-compare")?.focus(), { once: true });
}

document.addEventListener("click", (event) => {
  const mend = event.target.closest("[data-fix]");
  if (mend) {
    event.preventDefault(); // in the comparison it is a form's button, for those without scripts
    fix(mend.dataset);
    mend.closest("dialog")?.close();
  }
  const models = event.target.closest("[data-open-compare]");
  if (models && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    openCompare(models);
  }
  const person = event.target.closest("[data-person]");
  if (person) {
    event.preventDefault();
    choosePerson(Number(person.dataset.person));
  }
  const voice = event.target.closest("[data-speaks-with]");
  if (voice) speakWith(voice.dataset, voice.querySelector(".ellipsis")?.textContent ?? "");
  const tab = event.target.closest("[data-tab]");
  if (tab) showPanel(tab.dataset.tab);
  const place = event.target.closest("[data-seek-to]");
  if (place) preview.transport.seek(Number(place.dataset.seekTo) + 0.001);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  if (document.querySelector("dialog:modal")) return;
  event.preventDefault();
  document.getElementById("generate")?.click();
});
