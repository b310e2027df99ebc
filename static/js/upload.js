// Resumable uploads (tus 1.0): a piece that has arrived is never sent again, also after a closed tab.
//
// The page has one element with data-tus-src, the address of tus-js-client (22 kB compressed), loaded at the first file.

import { sendParts, unfinishedParts } from "./direct.js";
import { csrfToken } from "./shell.js";

const PIECE_BYTES = 16 * 1024 * 1024;
const AT_ONCE = 2;
// First tries come quickly, then every 10 s for about an hour: a train tunnel should not cost an upload.
const RETRY_MS = [0, 1000, 3000, 5000, ...Array(360).fill(10_000)];
// Weight of the newest second in the shown speed; lower is calmer.
const SPEED_WEIGHT = 0.25;

let loading = null;

function library() {
  const source = document.querySelector("[data-tus-src]")?.dataset.tusSrc;
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => resolve(window.tus);
    script.onerror = () => { loading = null; reject(new Error("The upload script could not be loaded.")); };
    document.head.append(script);
  });
  return loading;
}

const waitingForTurn = [];
let running = 0;

function turn() {
  return new Promise((resolve) => {
    waitingForTurn.push(resolve);
    nextTurn();
  });
}

function nextTurn() {
  while (running < AT_ONCE && waitingForTurn.length) {
    running += 1;
    waitingForTurn.shift()();
  }
}

const lockOf = (url, { name, size }) => `upload:${new URL(url, location.href).pathname}:${name}:${size}`;

/** Say to other tabs that a file is on its way from this one, until the returned function is called or the tab closes. */
function underWay(url, file) {
  let end;
  const over = new Promise((done) => { end = done; });
  navigator.locks?.request(lockOf(url, file), { mode: "shared" }, () => over);
  return end;
}

async function isUnderWay(url, file) {
  const { held } = (await navigator.locks?.query()) ?? { held: [] };
  return held.some(({ name }) => name === lockOf(url, file));
}

/** Bytes per second, smoothed over the last seconds. */
class Speed {
  constructor() { this.at = 0; this.bytes = 0; this.value = 0; }

  note(bytes) {
    const now = performance.now();
    if (!this.at) { this.at = now; this.bytes = bytes; return; }
    const seconds = (now - this.at) / 1000;
    if (seconds < 0.4) return;
    const latest = Math.max(0, bytes - this.bytes) / seconds;
    this.value = this.value ? this.value + SPEED_WEIGHT * (latest - this.value) : latest;
    this.at = now;
    this.bytes = bytes;
  }

  reset() { this.at = 0; this.value = 0; }
}

/** What went wrong, in the server's own words where it sent any. */
function words(error) {
  const body = error.originalResponse?.getBody?.() ?? "";
  try {
    const answer = JSON.parse(body);
    const told = answer.error ?? answer;
    if (told.message) return { code: told.code ?? "", message: told.message, advice: told.advice ?? "" };
  } catch { /* not JSON: a proxy's page */ }
  const status = error.originalResponse?.getStatus?.() ?? 0;
  if (status === 403) return { code: "forbidden", message: "You may not upload here.", advice: "Sign in again, or ask an owner for the editor role." };
  if (status === 413) return { code: "too_large", message: "The server does not take files of this size.", advice: "Export it smaller." };
  return { code: "upload_failed", message: "The upload stopped.", advice: "Try again; what has arrived is kept." };
}

/**
 * Send one file. Calls back with onState({ state, sent, total, speed, secondsLeft }) where state is "queued", "sending",
 * "waiting" (for the network) or "finishing", then once onDone({ assetId }) or onError({ code, message, advice }).
 * Returns { cancel() }, which also removes what has arrived.
 */
export function sendFile(file, { url, onState = () => {}, onDone = () => {}, onError = () => {} }) {
  const speed = new Speed();
  const ended = underWay(url, file);
  let upload = null;
  let cancelled = false;
  let inTurn = false;
  let sent = 0;

  const tell = (state) => onState({
    state, sent, total: file.size, speed: speed.value,
    secondsLeft: speed.value ? (file.size - sent) / speed.value : null,
  });
  const finish = () => {
    removeEventListener("online", wake);
    ended();
    if (!inTurn) return;
    inTurn = false;
    running -= 1;
    nextTurn();
  };
  const wake = async () => {
    if (!upload || cancelled) return;
    await upload.abort();
    speed.reset();
    upload.start();
  };

  async function begin() {
    tell("queued");
    await turn();
    inTurn = true;
    if (cancelled) { finish(); return; }
    const tus = await library();
    upload = new tus.Upload(file, {
      endpoint: url,
      chunkSize: PIECE_BYTES,
      retryDelays: RETRY_MS,
      removeFingerprintOnSuccess: true,
      headers: { "X-CSRFToken": csrfToken() },
      metadata: { filename: file.name, filetype: file.type },
      onProgress(bytes) { sent = bytes; speed.note(bytes); tell(bytes < file.size ? "sending" : "finishing"); },
      onShouldRetry(error) {
        const status = error.originalResponse?.getStatus?.() ?? 0;
        const again = status === 0 || status === 409 || status === 423 || status >= 500 && status !== 507;
        if (again && status !== 409) { speed.reset(); tell("waiting"); }
        return again;
      },
      onError(error) { finish(); if (!cancelled) onError(words(error)); },
      onSuccess({ lastResponse } = {}) {
        finish();
        onDone({ assetId: lastResponse?.getHeader("X-Asset") ?? "" });
      },
    });
    addEventListener("online", wake);
    const [previous] = await upload.findPreviousUploads();
    if (previous) upload.resumeFromPreviousUpload(previous);
    upload.start();
  }

  if (document.querySelector("[data-direct]") && file.size) {
    return sendParts(file, { url, onState, onDone, onError, speed, turn, ended, leave() { running -= 1; nextTurn(); } });
  }
  if (!file.size) {
    ended();
    onError({ code: "asset_empty", message: `${file.name} is empty.`, advice: "Choose the file again." });
    return { cancel: async () => {} };
  }
  begin().catch((error) => { finish(); if (!cancelled) onError({ code: "upload_failed", message: error.message, advice: "Reload the page." }); });
  return {
    async cancel() {
      cancelled = true;
      if (upload) await upload.abort(true).catch(() => {});
      finish();
    },
  };
}

/** Uploads to this address that an earlier visit left unfinished: [{ name, size, address, arrived(), forget() }]. */
export function unfinished(url) {
  const found = unfinishedParts(url);
  const endpoint = new URL(url, location.href).pathname;
  for (let index = 0; index < localStorage.length; index += 1) {
    const key = localStorage.key(index);
    if (!key.startsWith("tus::")) continue;
    let kept;
    try { kept = JSON.parse(localStorage.getItem(key)); } catch { continue; }
    if (!kept.uploadUrl || !new URL(kept.uploadUrl, location.href).pathname.startsWith(endpoint)) continue;
    const ask = (method) => fetch(kept.uploadUrl, { method, headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": csrfToken() } });
    found.push({
      name: kept.metadata?.filename ?? "", size: kept.size, address: kept.uploadUrl,
      /** Bytes that are safe on the server; null where nothing is left to send, or where it has forgotten them. */
      async arrived() {
        const answer = await ask("HEAD");
        const safe = Number(answer.headers.get("Upload-Offset"));
        if (answer.ok && safe < kept.size) return safe;
        if (answer.ok || [403, 404, 410].includes(answer.status)) localStorage.removeItem(key);
        return null;
      },
      async forget() { localStorage.removeItem(key); await ask("DELETE"); },
    });
  }
  // What another tab is sending is not left behind.
  return found.map((one) => ({ ...one, arrived: async () => ((await isUnderWay(url, one)) ? null : one.arrived()) }));
}

const BYTES = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const NO_BREAK = "\u00a0";

/** "3.1 MB", in decimal units. */
export function bytesText(count) {
  for (const [unit, step] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count >= step) return `${count / step >= 10 ? Math.round(count / step) : BYTES.format(count / step)}${NO_BREAK}${unit}`;
  }
  return `${count}${NO_BREAK}bytes`;
}

/** "27 s left", "4 min left"; nothing while it is unknown. */
export function leftText(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))}${NO_BREAK}s left`;
  return seconds < 5400 ? `${Math.round(seconds / 60)}${NO_BREAK}min left` : `${BYTES.format(seconds / 3600)}${NO_BREAK}h left`;
}

/** One line that says how an upload stands. */
export function stateText({ state, sent, total, speed, secondsLeft }) {
  if (state === "queued") return `${bytesText(total)}, waits for its turn`;
  if (state === "waiting") return `Waiting for the network. ${bytesText(sent)} of ${bytesText(total)} is safe.`;
  if (state === "finishing") return `${bytesText(total)}, all here. Closing the file.`;
  const parts = [`${bytesText(sent)} of ${bytesText(total)}`];
  if (speed) parts.push(`${bytesText(Math.round(speed))}/s`);
  const left = leftText(secondsLeft);
  if (left) parts.push(left);
  return parts.join(", ");
}
