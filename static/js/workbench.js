/** The workbench's page: preview, draft that saves as one goes, choosing and dropping files, Ctrl Enter. */

import { bindDialogs } from "./bar.js";
import { bindDraft } from "./draft.js";
import { showLocalTimes } from "./localtime.js";
import { bindPicker } from "./picker.js";
import { Preview } from "./preview.js";

const preview = new Preview();
let shown = "";

/** Facts are replaced by every answer that concerns them; what is the same is left alone. */
function refresh() {
  const { facts } = document.getElementById("facts").dataset;
  if (facts === shown) return;
  shown = facts;
  preview.show(JSON.parse(facts));
}

refresh();
showLocalTimes();
bindDialogs();
bindDraft();
bindPicker();
document.addEventListener("htmx:oobAfterSwap", refresh);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  if (document.querySelector("dialog:modal")) return;
  event.preventDefault();
  document.getElementById("generate")?.click();
});
