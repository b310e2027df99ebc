/**
 * Takes that were seen running here are followed on every page: a toast says when one has ended, and the browser does
 * where that is wanted and the window is behind others.
 */

import { toast } from "./shell.js";

const KEY = "studio:following";
const NOTIFY_KEY = "studio:notify";
const ASK_MS = 5000;
// What nobody came back to for a day is told by mail or not at all.
const FORGET_MS = 24 * 3600 * 1000;
const MOST = 20;
const OUTCOMES = { COMPLETED: "is finished", FAILED: "failed", REJECTED: "was refused", CANCELLED: "was cancelled" };

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]").filter((one) => Date.now() - one.since < FORGET_MS);
  } catch {
    return [];
  }
}

function keep(takes) {
  localStorage.setItem(KEY, JSON.stringify(takes.slice(-MOST)));
}

export function wantsNotices() {
  return "Notification" in window && Notification.permission === "granted" && localStorage.getItem(NOTIFY_KEY) === "on";
}

export function setNotices(on) {
  localStorage.setItem(NOTIFY_KEY, on ? "on" : "off");
}

/** Follow a take from page to page: the address of its page, the one that says how it stands, and its name. */
export function follow(page, status, name) {
  if (!kept().some((one) => one.page === page)) keep([...kept(), { page, status, name, since: Date.now() }]);
}

export function forget(page) {
  if (kept().some((one) => one.page === page)) keep(kept().filter((one) => one.page !== page));
}

/** "Harbour, take 3 is finished", or how else it ended. */
export function outcome(name, status) {
  return `${name} ${OUTCOMES[status] ?? "ended"}`;
}

/** The browser's own notice, to somebody whose window is behind others. */
export function notice(words, page) {
  if (!wantsNotices() || !document.hidden) return;
  let note;
  try {
    note = new Notification(words, { icon: document.querySelector('link[rel="icon"]')?.href, tag: page });
  } catch {
    return; // Chrome on Android knows the word and lets no page use it
  }
  note.addEventListener("click", () => {
    window.focus();
    note.close();
    if (location.pathname !== page) location.assign(page);
  });
}

function tell({ page, name }, status) {
  const words = outcome(name, status);
  notice(words, page);
  const shown = toast(words, { bad: status === "FAILED" || status === "REJECTED" });
  const link = document.createElement("a");
  Object.assign(link, { className: "button ghost small", href: page, textContent: "Open" });
  shown.querySelector("[data-toast-close]").before(link);
}

/** How a take stands; nothing where it is not there (or not to be seen) any more, null where nobody can tell now. */
async function statusOf(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "manual" });
    if (answer.status === 429 || answer.status >= 500) return null;
    return answer.ok ? (await answer.json()).status : "";
  } catch {
    return null;
  }
}

async function ask() {
  // One's own page of a take says it better; a hidden window asks only where it may speak.
  const due = kept().filter((one) => one.page !== location.pathname);
  if (due.length && (!document.hidden || wantsNotices())) {
    for (const one of due) {
      const status = await statusOf(one.status);
      if (status === null) break;
      if (status === "PENDING" || status === "PROCESSING") continue;
      const still = kept().some((other) => other.page === one.page); // another window may have said it
      forget(one.page);
      if (status && still) tell(one, status);
    }
  }
  setTimeout(ask, ASK_MS);
}

setTimeout(ask, 1000);
