/** The page of a take: title and notification while it runs, the player as soon as there is a result. */

import { bindCopying, copy } from "./copying.js";
import { follow, forget, notice, outcome, setNotices, wantsNotices } from "./following.js";
import { showLocalTimes } from "./localtime.js";
import { Player } from "./player.js";
import { toast } from "./shell.js";

const plainTitle = document.title;
let player = null;
let announced = 0;

function refresh() {
  const take = document.getElementById("take");
  const root = take.querySelector("[data-player]");
  if (root && player?.root !== root) {
    player?.close();
    player = new Player(root);
  }
  bindNotify(take);
  const progress = document.getElementById("progress");
  const percent = progress ? Number(progress.dataset.percent) : null;
  document.title = percent === null ? plainTitle : `${percent} % · ${plainTitle}`;
  if (percent === null) forget(location.pathname);
  else {
    announce(percent);
    follow(location.pathname, take.dataset.statusUrl, take.dataset.name);
  }
}

/** Screen readers hear of every tenth percent, not of every second. */
function announce(percent) {
  const tenth = Math.floor(percent / 10) * 10;
  if (tenth <= announced) return;
  announced = tenth;
  document.getElementById("announce").textContent = `${tenth} percent`;
}

function bindNotify(take) {
  bindMail(take.querySelector("[data-mail]"));
  const toggle = take.querySelector("[data-notify]");
  if (!toggle || toggle.dataset.bound || !("Notification" in window)) return;
  toggle.dataset.bound = "yes";
  toggle.closest("label").hidden = Notification.permission === "denied";
  toggle.checked = wantsNotices();
  toggle.addEventListener("change", async () => {
    if (toggle.checked && (await Notification.requestPermission()) !== "granted") toggle.checked = false;
    setNotices(toggle.checked);
  });
}

/** The preference of the account: kept at once, for all takes to come too. */
function bindMail(form) {
  if (!form || form.dataset.bound) return;
  form.dataset.bound = "yes";
  form.addEventListener("change", async () => {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" }).catch(() => null);
    if (answer && (answer.ok || answer.type === "opaqueredirect")) toast(form.mail.checked ? "You get a mail when takes end" : "No mails about takes");
    else toast("This could not be kept. Try again.", { bad: true });
  });
}

/** Said once, when the running take ends in front of us. */
function ended(take) {
  const words = outcome(take.dataset.name, take.dataset.status);
  document.getElementById("announce").textContent = words;
  notice(words, location.pathname);
}

document.addEventListener("htmx:afterSettle", () => {
  const take = document.getElementById("take");
  const wasRunning = document.title !== plainTitle;
  refresh();
  showLocalTimes();
  if (wasRunning && take.dataset.status !== "PENDING" && take.dataset.status !== "PROCESSING") {
    ended(take);
  }
});

// Who looks on needs no mail; who has the page in a tab behind others does.
document.addEventListener("htmx:configRequest", (event) => {
  if (document.visibilityState === "visible") event.detail.headers["X-Looking"] = "1";
});

/** Compare with another take: the page of the same take with another film beside it, at the same second. */
function compareWith(number) {
  const address = new URL(location.href);
  if (number) address.searchParams.set("with", number);
  else address.searchParams.delete("with");
  if (player) address.searchParams.set("t", player.time.toFixed(2));
  location.assign(address);
}

/** A dialog whose inside is a page of its own where scripts are off. */
async function openDialog(link) {
  const name = link.dataset.openDialog;
  await htmx.ajax("GET", link.href, { target: `#${name}-body`, swap: "outerHTML", source: link });
  document.getElementById(name).showModal();
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-compare-with]")) compareWith(event.target.value);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-open-dialog]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    openDialog(link);
  }
  if (event.target.closest("[data-copy-place]")) {
    const address = new URL(location.href);
    address.searchParams.set("t", player.time.toFixed(2));
    copy(address.href, "Link copied");
    document.getElementById("downloads").hidePopover();
  }
});

refresh();
showLocalTimes();
bindCopying();
