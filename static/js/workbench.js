/** The workbench's page: preview, draft that saves as one goes, choosing and dropping files, Ctrl Enter. */

import { bindDialogs } from "./bar.js";
import { bindDraft } from "./draft.js";
import { History } from "./history.js";
import { showLocalTimes } from "./localtime.js";
import { bindPicker } from "./picker.js";
import { Preview } from "./preview.js";
import { Segments } from "./segments.js";

const preview = new Preview();
const segments = new Segments(document.getElementById("timeline"), preview.timeline, preview.transport);
let shown = "";

/** Facts are replaced by every answer that concerns them; what is the same is left alone. */
function refresh() {
  const { facts } = document.getElementById("facts").dataset;
  if (facts === shown) return;
  shown = facts;
  preview.show(JSON.parse(facts));
  segments.setFacts(JSON.parse(facts));
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
bindDialogs();
bindDraft();
bindPicker();
new History(document.getElementById("draft"), segments);
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

document.addEventListener("click", (event) => {
  const mend = event.target.closest("[data-fix]");
  if (mend) fix(mend.dataset);
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
