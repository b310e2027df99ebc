// What every page does: toasts, the theme without a reload, failed requests in words, the search key.

const TOAST_S = 6;
const TOASTS_AT_ONCE = 3;

const region = document.getElementById("toasts");

/** Show a short message. `bad` ones stay until they are closed. Returns its element. */
export function toast(text, { bad = false } = {}) {
  const template = document.getElementById(bad ? "toast-bad-template" : "toast-template");
  const element = template.content.firstElementChild.cloneNode(true);
  element.querySelector(".text").textContent = text;
  region.append(element);
  return element;
}

/** Token that every changing request carries. */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]').content;
}

// Tabs that are wider than a phone begin where the open page is.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

function live(element) {
  if (element.dataset.timed) return;
  element.dataset.timed = "yes";
  const shown = [...region.querySelectorAll("[data-toast]")];
  shown.slice(0, Math.max(0, shown.length - TOASTS_AT_ONCE)).forEach((old) => old.remove());
  if (element.classList.contains("bad")) return;
  let timer = 0;
  const start = () => { timer = setTimeout(() => element.remove(), TOAST_S * 1000); };
  // Reading or reaching for Undo stops the clock.
  ["pointerenter", "focusin"].forEach((name) => element.addEventListener(name, () => clearTimeout(timer)));
  ["pointerleave", "focusout"].forEach((name) => element.addEventListener(name, start));
  start();
}

new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) if (node.matches?.("[data-toast]")) live(node);
  }
}).observe(region, { childList: true });
region.querySelectorAll("[data-toast]").forEach(live);

region.addEventListener("click", (event) => {
  if (event.target.closest("[data-toast-close]")) event.target.closest("[data-toast]").remove();
});
region.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) event.target.closest("[data-toast]")?.remove();
});

// The headings of days are drawn by the server: a day is one of whoever looks.
document.cookie = `zone=${-new Date().getTimezoneOffset()}; path=/; max-age=31536000; samesite=lax`;

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const choice = event.submitter.value;
  if (choice) document.documentElement.dataset.theme = choice;
  else delete document.documentElement.dataset.theme;
  form.querySelectorAll("[aria-pressed]").forEach((button) => {
    button.setAttribute("aria-pressed", String(button === event.submitter));
  });
  document.dispatchEvent(new CustomEvent("studio:theme"));
  const body = new FormData(form, event.submitter);
  await fetch(form.action, { method: "POST", body, redirect: "manual" });
});

// A second press while the answer to the first is on its way must not start or make the same thing twice. What htmx
// sends is prevented by then, and in order by itself.
const SENT_MS = 10_000;
let sent = new WeakMap();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (performance.now() - (sent.get(form) ?? -Infinity) < SENT_MS) event.preventDefault();
  else sent.set(form, performance.now());
});
addEventListener("pageshow", () => { sent = new WeakMap(); });

// htmx swaps 409 and 422 where they belong; what is left has no place on the page and is said here.
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  const number = xhr.getResponseHeader("X-Request-Id");
  const words = {
    401: "You are signed out. Nothing was changed; reload the page to sign in again.",
    403: "Your role does not allow this, or the page is too old. Reload it and try again.",
    404: "This is not there any more. Reload the page.",
    410: "This link is no longer open. Ask whoever sent it for a new one.",
    413: "This is more than the server takes at once.",
  }[xhr.status] ?? "The server could not do this. Nothing was changed.";
  toast(number && xhr.status >= 500 ? `${words} Request ${number}.` : words, { bad: true });
});
document.addEventListener("htmx:sendError", () => {
  toast("The network is gone. Nothing was changed; try again when it is back.", { bad: true });
});

// Who dictates or whose hand slips can do without single letters; the choice is this browser's.
const LETTERS_KEY = "studio:letters";

function lettersOn() {
  return localStorage.getItem(LETTERS_KEY) !== "off";
}

/** Whether a single-letter key belongs to the page rather than to a field, a dialog or a shortcut of the browser. */
export function keyIsFree(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (document.querySelector("dialog:modal, [popover]:popover-open")) return false;
  if (event.key.length === 1 && event.key !== " " && !lettersOn()) return false;
  return !event.target.closest?.("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable=true]");
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || !keyIsFree(event)) return;
  const search = document.querySelector("[data-search-key]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// The sheet of keys, and dialogs that are closed by a button.
const sheet = document.getElementById("sheet");

function openSheet() {
  document.querySelectorAll("[popover]:popover-open").forEach((menu) => menu.hidePopover());
  sheet.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || !sheet || !keyIsFree(event)) return;
  event.preventDefault();
  openSheet();
});
document.addEventListener("click", (event) => {
  if (sheet && event.target.closest("[data-open-sheet]")) openSheet();
  if (event.target.closest("dialog [data-close]")) event.target.closest("dialog").close();
});
const letters = sheet?.querySelector("[data-letters]");
if (letters) {
  letters.checked = lettersOn();
  letters.addEventListener("change", () => localStorage.setItem(LETTERS_KEY, letters.checked ? "on" : "off"));
}
