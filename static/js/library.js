// The library: files by drop, picker, paste or folder; tiles of uploads on their way; the drawer of one file.

import { csrfToken, toast } from "./shell.js";
import { bytesText, sendFile, stateText, unfinished } from "./upload.js";
import { drawAll } from "./waveform.js";

const tray = document.getElementById("tray");
const tiles = document.getElementById("uploads");
const template = document.getElementById("upload-template");

// --- Uploads ---------------------------------------------------------------------------------------------------------

/** A tile for one upload, with the few things it can show. */
class Tile {
  constructor(name) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.element.querySelector(".name").textContent = name;
    this.element.querySelector(".name").title = name;
    this.meter = this.element.querySelector(".meter");
    this.meter.setAttribute("aria-label", `Upload of ${name}`);
    this.element.querySelector("[data-cancel]").setAttribute("aria-label", `Cancel the upload of ${name}`);
    tiles.append(this.element);
  }

  on(selector, event, action) {
    const part = this.element.querySelector(selector);
    part.hidden = false;
    part.closest("[data-actions]")?.removeAttribute("hidden");
    part.addEventListener(event, action);
  }

  show(percent, text, { stopped = false, refused = false } = {}) {
    this.element.classList.toggle("stopped", stopped || refused);
    this.element.classList.toggle("refused", refused);
    if (percent !== null) {
      this.meter.setAttribute("aria-valuenow", String(percent));
      this.meter.firstElementChild.setAttribute("width", `${percent}%`);
      this.element.querySelector(".percent").textContent = `${percent}\u00a0%`;
    }
    this.element.querySelector(".state").textContent = text;
  }

  /** The end of it: the reason stays until it is dismissed. */
  refuse(text) {
    this.show(null, text, { refused: true });
    this.element.querySelector(".percent").textContent = "";
    this.element.querySelector("[data-cancel]").hidden = true;
    this.element.querySelector(".state").setAttribute("role", "alert");
    this.on("[data-dismiss]", "click", () => this.remove());
  }

  remove() { this.element.remove(); }
}

// Cards of a fresh list, as the server counts them.
const FIRST_PAGE = 48;
// Only these may end better at a second try with the same file.
const WORTH_ANOTHER_TRY = ["upload_failed", "generation_infra_storage_error"];

function send(file, replaces = null) {
  const tile = new Tile(file.name);
  let handle = null;
  const again = () => send(file, replaces);
  tile.on("[data-cancel]", "click", async () => {
    tile.remove();
    await handle.cancel();
    undoable(`Upload of ${file.name} cancelled`, again);
  });
  handle = sendFile(file, {
    url: tray.dataset.uploadUrl,
    onState(state) {
      const percent = Math.floor((state.sent / Math.max(1, state.total)) * 100);
      tile.show(percent, stateText(state), { stopped: state.state === "waiting" });
    },
    async onDone({ assetId }) {
      if (replaces) await post(replaces.dataset.deleteUrl, { quiet: "1" });
      tile.remove();
      await arrived(assetId, file.name, replaces);
    },
    onError({ code, message, advice }) {
      tile.refuse(`${message} ${advice}`.trim());
      if (WORTH_ANOTHER_TRY.includes(code)) tile.on("[data-again]", "click", () => { tile.remove(); again(); });
    },
  });
}

function undoable(text, undo) {
  const element = toast(text);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button ghost small";
  button.textContent = "Undo";
  button.addEventListener("click", () => { element.remove(); undo(); });
  element.querySelector("[data-toast-close]").before(button);
}

function post(url, fields) {
  return fetch(url, { method: "POST", headers: { "X-CSRFToken": csrfToken(), "HX-Request": "true" }, body: new URLSearchParams(fields) });
}

/** Show a finished upload: the list anew, or its card alone where somebody has scrolled into later pages. */
async function arrived(assetId, name, replaces) {
  const known = assetId && document.getElementById(`asset-${assetId}`);
  if (known) {
    toast(`You already have this file: ${known.dataset.name}. Using it.`);
    if (replaces) refresh();
    else known.querySelector("a")?.focus();
    return;
  }
  if (assetId && document.querySelectorAll("#asset-grid .asset").length > FIRST_PAGE) {
    const today = document.getElementById("day-today");
    window.htmx.ajax("GET", `${tray.dataset.libraryUrl}${assetId}/card/`, {
      target: today ?? document.getElementById("asset-grid"), swap: today ? "afterend" : "afterbegin",
    });
  } else refresh();
  announce(`${name} is here and being checked.`);
}

let refreshTimer = 0;

function refresh() {
  // Several small files end at nearly the same time; one new list shows them all.
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => window.htmx.trigger(document.body, "studio:library"), 150);
}

function announce(text) {
  const line = document.createElement("p");
  line.className = "visually-hidden";
  line.textContent = text;
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), 3000);
}

/** Tiles for uploads that an earlier visit left behind: the browser needs the file once more, the server has the rest. */
async function offerUnfinished() {
  for (const left of unfinished(tray.dataset.uploadUrl)) {
    const safe = await left.arrived().catch(() => 0);
    if (safe === null) continue;
    const tile = new Tile(left.name);
    tile.show(Math.floor((safe / left.size) * 100), `Stopped. ${bytesText(safe)} of ${bytesText(left.size)} is safe. Choose the file again to go on.`, { stopped: true });
    tile.on("[data-go-on]", "change", () => {});
    tile.element.querySelector("[data-go-on] input").addEventListener("change", (event) => {
      const [file] = event.target.files;
      if (!file) return;
      if (file.name !== left.name || file.size !== left.size) {
        toast(`This is another file than ${left.name}. It is uploaded by itself.`);
      } else tile.remove();
      send(file);
    });
    tile.on("[data-cancel]", "click", () => { tile.remove(); left.forget(); });
  }
}

/** Files of a drop or paste, folders opened up. */
async function filesOf(transfer) {
  const entries = [...transfer.items ?? []].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = [];
  const walk = async (entry) => {
    if (entry.isFile) found.push(await new Promise((done, fail) => entry.file(done, fail)));
    else {
      const reader = entry.createReader();
      for (;;) { // a folder is read in portions of at most 100
        const portion = await new Promise((done, fail) => reader.readEntries(done, fail));
        if (!portion.length) break;
        for (const child of portion) await walk(child);
      }
    }
  };
  for (const entry of entries) await walk(entry);
  return found.filter((file) => !file.name.startsWith("."));
}

function startUploads() {
  const drop = document.getElementById("drop");
  const picker = document.getElementById("files");
  drop.addEventListener("click", (event) => { if (event.target !== picker && !event.target.closest("label, button")) picker.click(); });
  drop.addEventListener("submit", (event) => event.preventDefault());
  picker.addEventListener("change", () => { [...picker.files].forEach((file) => send(file)); picker.value = ""; });

  const folder = document.getElementById("folder");
  folder.addEventListener("change", () => {
    [...folder.files].filter((file) => !file.name.startsWith(".")).forEach((file) => send(file));
    folder.value = "";
    document.getElementById("bring").hidePopover();
  });

  let depth = 0; // dragenter and dragleave come for every element on the way
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const still = (event) => { if (carriesFiles(event)) event.preventDefault(); };
  addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth += 1; document.body.classList.add("dropping"); } });
  addEventListener("dragleave", (event) => { if (carriesFiles(event) && (depth -= 1) <= 0) { depth = 0; document.body.classList.remove("dropping"); } });
  addEventListener("dragover", still);
  addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("dropping");
    (await filesOf(event.dataTransfer)).forEach((file) => send(file));
  });
  addEventListener("paste", async (event) => {
    if (event.target.closest?.("input, textarea") || !event.clipboardData?.files.length) return;
    (await filesOf(event.clipboardData)).forEach((file) => send(file));
  });
  document.addEventListener("studio:file", (event) => send(event.detail));
  offerUnfinished();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-choose-files]")) document.getElementById("files").click();
  if (event.target.closest("[data-choose-folder]")) document.getElementById("folder").click();
});
document.addEventListener("change", (event) => {
  const picker = event.target.closest("input[data-replace]");
  if (!picker?.files.length || !tray) return;
  send(picker.files[0], picker);
  drawer?.close();
});

// --- The drawer --------------------------------------------------------------------------------------------------------

const drawer = document.getElementById("detail");
if (drawer) {
  drawer.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== drawer) return;
    if (!drawer.open) drawer.showModal();
    drawer.querySelector("#detail-title")?.focus();
  });
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer || event.target.closest("[data-close-detail]")) drawer.close();
  });
  drawer.addEventListener("close", () => { drawer.replaceChildren(); });
}
document.addEventListener("htmx:afterRequest", (event) => {
  const gone = event.target.closest?.("[data-deletes]")?.dataset.deletes;
  if (!gone || !event.detail.successful) return;
  drawer?.close();
  document.getElementById(gone)?.remove();
  if (!document.querySelector("#asset-grid .asset")) refresh();
});

document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt.parentElement ?? document));
if (tray) startUploads();
drawAll();
