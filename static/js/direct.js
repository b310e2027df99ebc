// Uploads straight to the bucket: parts of 16 MB to addresses that the studio signs, three at once. A part that has
// arrived is never sent again, also after a closed tab.

import { csrfToken } from "./shell.js";

const AT_ONCE = 3;
// As on the way through the studio: first tries come quickly, then every 10 s for about an hour.
const RETRY_MS = [0, 1000, 3000, 5000, ...Array(360).fill(10_000)];
const CLOSING_MS = 1000;
const KEPT = "direct::";

/** What the studio answers; throws what it says against it, with `again` where another try may do. */
async function ask(method, address, body) {
  let answer;
  try {
    answer = await fetch(address, {
      method,
      headers: { "X-CSRFToken": csrfToken(), ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch { throw { again: true }; }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const told = await answer.json().catch(() => ({}));
  throw {
    status: answer.status,
    again: answer.status >= 500 && answer.status !== 507,
    code: told.code ?? "upload_failed",
    message: told.message ?? "The upload stopped.",
    advice: told.advice ?? "Try again; what has arrived is kept.",
  };
}

const bucketName = (url) => `${KEPT}${new URL(url, location.href).pathname}`;
const directUrl = (url) => url.replace(/uploads\/$/, "direct/");
const keyOf = (url, file) => `${bucketName(url)}::${file.name}::${file.size}::${file.lastModified}`;

/** SHA-256 in base64, which the bucket holds the part against; nothing where the page may not compute it (plain http). */
async function digestOf(bytes) {
  if (!window.crypto?.subtle) return "";
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await bytes.arrayBuffer()));
  return btoa(String.fromCharCode(...digest));
}

/** PUT a part; `onProgress` gets the bytes of it that are sent. The request can be ended by `stops`. */
function put({ url, headers }, bytes, onProgress, stops) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    stops.add(request);
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onloadend = () => {
      stops.delete(request);
      if (request.status >= 200 && request.status < 300) resolve();
      else reject({ again: true }); // no network, or an address that ran out: the next try gets a new one
    };
    request.send(bytes);
  });
}

/** Like `sendFile` of upload.js, which calls it where media lies in a bucket. */
export function sendParts(file, { url, onState, onDone, onError, speed, turn, ended, leave }) {
  const key = keyOf(url, file);
  const stops = new Set();
  const sent = new Map(); // bytes of each part on its way or there
  let address = localStorage.getItem(key);
  let cancelled = false;
  let inTurn = false;
  let wake = () => {};

  const total = () => [...sent.values()].reduce((sum, bytes) => sum + bytes, 0);
  const tell = (state) => {
    const here = total();
    if (state === "sending") speed.note(here);
    onState({ state, sent: here, total: file.size, speed: speed.value, secondsLeft: speed.value ? (file.size - here) / speed.value : null });
  };
  const online = () => wake();
  const pause = (ms) => new Promise((resolve) => { wake = resolve; setTimeout(resolve, ms); });

  /** Do it until it works; gives up after an hour, at once where a try cannot help. */
  async function persist(work) {
    for (const ms of RETRY_MS) {
      if (ms) await pause(ms);
      if (cancelled) throw { stopped: true };
      try {
        return await work();
      } catch (trouble) {
        if (cancelled) throw { stopped: true };
        if (!trouble.again) throw trouble;
        speed.reset();
        tell("waiting");
      }
    }
    throw { code: "upload_failed", message: "The upload stopped.", advice: "Try again; what has arrived is kept." };
  }

  async function state() {
    if (address) {
      try {
        return await persist(() => ask("GET", address));
      } catch (trouble) {
        if (trouble.status !== 404) throw trouble; // forgotten there: begin anew
      }
    }
    const begun = await persist(() => ask("POST", directUrl(url), { name: file.name, size: file.size, type: file.type }));
    address = begun.address;
    localStorage.setItem(key, address);
    return begun;
  }

  async function sendPart(number, partBytes) {
    const bytes = file.slice((number - 1) * partBytes, number * partBytes);
    await persist(async () => {
      const target = await ask("POST", `${address}part/`, { number, sha256: await digestOf(bytes) });
      await put(target, bytes, (loaded) => { sent.set(number, loaded); tell("sending"); }, stops)
        .catch((trouble) => { sent.delete(number); throw trouble; });
    });
    sent.set(number, bytes.size);
    tell("sending");
  }

  async function begin() {
    onState({ state: "queued", sent: 0, total: file.size, speed: 0, secondsLeft: null });
    await turn();
    inTurn = true;
    if (cancelled) return;
    let found = await state();
    const { partBytes } = found;
    const last = Math.ceil(file.size / partBytes);
    const here = new Set(found.closing || found.assetId ? Array.from({ length: last }, (_, index) => index + 1) : found.arrived);
    for (const number of here) sent.set(number, Math.min(partBytes, file.size - (number - 1) * partBytes));
    const left = Array.from({ length: last }, (_, index) => index + 1).filter((number) => !here.has(number));
    const lane = async () => { while (left.length) await sendPart(left.shift(), partBytes); };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    tell("finishing");
    if (!found.assetId) found = await persist(() => ask("POST", `${address}finish/`));
    while (!found.assetId) {
      await pause(CLOSING_MS);
      if (cancelled) return;
      found = await persist(() => ask("GET", address));
    }
    localStorage.removeItem(key);
    onDone({ assetId: found.assetId });
  }

  addEventListener("online", online);
  begin()
    .catch((trouble) => {
      if (cancelled || trouble.stopped) return;
      cancelled = true; // the other lanes end with their next step
      stops.forEach((request) => request.abort());
      if (trouble.status && trouble.status !== 401) localStorage.removeItem(key);
      onError({ code: trouble.code ?? "upload_failed", message: trouble.message ?? "The upload stopped.", advice: trouble.advice ?? "Reload the page." });
    })
    .finally(() => { removeEventListener("online", online); ended(); if (inTurn) leave(); });
  return {
    async cancel() {
      cancelled = true;
      stops.forEach((request) => request.abort());
      wake();
      localStorage.removeItem(key);
      if (address) await ask("DELETE", address).catch(() => {});
    },
  };
}

/** Uploads to the bucket that an earlier visit left unfinished, in the shape of `unfinished` of upload.js. */
export function unfinishedParts(url) {
  const start = `${bucketName(url)}::`;
  return Object.keys(localStorage).filter((key) => key.startsWith(start)).map((key) => {
    const [, size, name] = key.slice(start.length).split("::").reverse();
    const address = localStorage.getItem(key);
    return {
      name, size: Number(size), address,
      async arrived() {
        try {
          const found = await ask("GET", address);
          if (!found.assetId) return Math.min(found.size, found.arrived.length * found.partBytes);
        } catch (trouble) {
          if (trouble.status !== 404 && trouble.status !== 403) return 0;
        }
        localStorage.removeItem(key);
        return null;
      },
      async forget() { localStorage.removeItem(key); await ask("DELETE", address).catch(() => {}); },
    };
  });
}
