/** Choosing a file: from the library in a dialog, from the computer, or by dropping it anywhere on the page. */

import { sendFile, stateText } from "./upload.js";
import { toast } from "./shell.js";

const HEADINGS = { video: "Choose a video", audio: "Choose a soundtrack", speaker: "Choose a sound for this person" };

export function bindPicker() {
  const dialog = document.getElementById("picker");
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-pick]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(dialog, link);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  // Any answer that changes the draft while the dialog is open was a choice in it.
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.closest?.("#picker") && event.detail.xhr.getResponseHeader("X-Draft-Revision")) dialog.close();
  });
  document.addEventListener("change", (event) => {
    const input = event.target.closest("input[data-upload]");
    if (!input?.files.length) return;
    take(input.files[0], input.dataset.upload);
    input.value = "";
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose-upload]");
    if (button) document.querySelector(`[data-upload="${button.dataset.chooseUpload}"]`).click();
  });
  document.addEventListener("studio:spoken", (event) => put(event.detail.assetId, "audio"));
  bindDrop();
}

async function open(dialog, link) {
  const place = link.dataset.pick;
  dialog.querySelector("#picker-heading").textContent = HEADINGS[place];
  dialog.returnTo = link.id;
  await htmx.ajax("GET", link.href, { target: "#picker-body", swap: "innerHTML", source: link });
  dialog.showModal();
  dialog.addEventListener("close", () => document.getElementById(link.id)?.focus(), { once: true });
}

function bindDrop() {
  const veil = document.querySelector("[data-drop-veil]");
  const page = document.querySelector("[data-workbench]");
  let depth = 0;
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const stop = () => {
    depth = 0;
    veil.hidden = true;
  };
  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    veil.hidden = false;
  });
  document.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) stop();
  });
  document.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    stop();
    for (const file of [...event.dataTransfer.files].slice(0, 2)) take(file, placeFor(file, page));
  });
}

/** Sound goes to the soundtrack, pictures to the video; an unknown type to the first vacant place. */
function placeFor(file, page) {
  if (file.type.startsWith("audio/")) return "audio";
  if (file.type.startsWith("video/") || file.type.startsWith("image/")) return "video";
  return page.querySelector('.source.vacant[data-place="video"]') ? "video" : "audio";
}

// Which file was brought last for each place: an earlier one that arrives after it goes to the library alone.
const brought = {};

/** Upload a file and put it where it belongs as soon as it is here; its check goes on meanwhile. */
function take(file, place) {
  brought[place] = file;
  const isLast = () => brought[place] === file;
  const line = document.querySelector(`[data-uploading="${place}"]`);
  const { uploadUrl } = document.querySelector("[data-upload-url]").dataset;
  const { text, bar, stop } = uploadLine(line, file.name);
  const sending = sendFile(file, {
    url: uploadUrl,
    onState: (state) => {
      text.textContent = stateText(state);
      bar.setAttribute("width", `${state.total ? (state.sent / state.total) * 100 : 0}%`);
    },
    onDone: ({ assetId }) => {
      if (!isLast()) return;
      line.hidden = true;
      put(assetId, place);
    },
    onError: ({ message, advice }) => {
      if (isLast()) line.hidden = true;
      toast(`${file.name}: ${message} ${advice}`, { bad: true });
    },
  });
  stop.addEventListener("click", () => {
    sending.cancel();
    line.hidden = true;
  });
}

function put(assetId, place) {
  const form = document.getElementById("draft");
  htmx.ajax("POST", form.getAttribute("hx-post"), {
    source: document.getElementById("placing"),
    swap: "none",
    values: { [place]: assetId, place },
  });
}

function uploadLine(line, name) {
  line.hidden = false;
  line.replaceChildren(document.getElementById("upload-line").content.cloneNode(true));
  line.querySelector("[data-name]").textContent = name;
  return {
    text: line.querySelector("[data-state]"),
    bar: line.querySelector("rect"),
    stop: line.querySelector("[data-stop]"),
  };
}
