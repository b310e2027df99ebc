/**
 * The draft saves itself a quarter of a second after an edit. Answers are taken in order; one that arrives while the
 * person has already gone on leaves the controls alone, since the next answer will bring them.
 */

let edits = 0;
let sentEdits = 0;
let savedEdits = 0;
// The last answer never came, or was a fault of the server's: what was sent is not saved and nobody has refused it.
let lost = false;

export function bindDraft() {
  const form = document.getElementById("draft");
  form.addEventListener("input", (event) => {
    edits += 1;
    say("Saving");
    const row = event.target.closest("[data-slider]");
    if (row) mirrorSlider(row, event.target);
  });
  // The box beside a slider has no name of its own; its change is the slider's.
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-slider-value]")) mirrorSlider(event.target.closest("[data-slider]"), event.target);
  }, { capture: true });
  form.addEventListener("dblclick", (event) => {
    const slider = event.target.closest("input.slider");
    if (!slider) return;
    slider.value = slider.dataset.default;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    slider.dispatchEvent(new Event("change", { bubbles: true }));
  });
  fillSliders();

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!savesDraft(event.detail.requestConfig.elt, form)) return;
    sentEdits = edits;
    lost = false;
    form.classList.add("repricing");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr } = event.detail;
    // 409 and 422 are answers to be shown, but nothing was saved.
    const successful = xhr?.status >= 200 && xhr.status < 300;
    const revision = xhr?.getResponseHeader("X-Draft-Revision");
    if (revision) document.getElementById("revision").value = revision;
    if (!savesDraft(event.detail.requestConfig.elt, form)) return;
    form.classList.remove("repricing");
    lost = xhr.status === 0 || xhr.status >= 500;
    if (edits !== sentEdits) return;
    if (successful) say(`Draft saved ${new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })}`);
    else say("Draft not saved");
    if (successful) savedEdits = edits;
  });
  // Edits, picks and uploads that come in at the same time wait for each other (hx-sync), and each names the revision
  // that the one before it left behind: a person must not collide with themselves.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.path !== form.getAttribute("hx-post") || event.detail.elt.matches('[name="over"]')) return;
    event.detail.parameters.revision = document.getElementById("revision").value;
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    // The queued request is sent right after the swap, so the new revision must be in place before.
    const revision = event.detail.xhr.getResponseHeader("X-Draft-Revision");
    if (revision) document.getElementById("revision").value = revision;
  });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target.id === "choices" && edits !== sentEdits) event.detail.shouldSwap = false;
  });
  // A speaker's name that is being typed stays: the answer to an earlier edit does not know it yet.
  document.addEventListener("htmx:oobBeforeSwap", ({ detail: { target, fragment } }) => {
    const typed = document.activeElement;
    if (target.id === "findings" && typed.matches(".rename input")) fragment.querySelector(`#${typed.id}`)?.setAttribute("value", typed.value);
  });
  // Enter in the field of a form that sends itself on "change" has just sent it.
  document.addEventListener("submit", (event) => { if (event.target.matches("[data-sends-itself]")) event.preventDefault(); });
  document.addEventListener("htmx:oobAfterSwap", fillSliders);
  // The network is back: what it took is sent again.
  addEventListener("online", () => { if (lost) form.dispatchEvent(new Event("change", { bubbles: true })); });
  // Leaving within the quarter of a second, or after an answer that never came: the browser sends the last edit after the
  // page is gone.
  addEventListener("pagehide", () => {
    if (edits === savedEdits || (edits === sentEdits && !lost)) return;
    fetch(form.action, { method: "POST", body: new FormData(form), keepalive: true, redirect: "manual" });
  });
}

/** The form itself, or the button that writes over a version saved elsewhere. */
function savesDraft(element, form) {
  return element === form || element.matches?.('[name="over"]');
}

function mirrorSlider(row, source) {
  const slider = row.querySelector(".slider");
  const box = row.querySelector("[data-slider-value]");
  if (source === slider) box.value = slider.value;
  else if (source.value !== "" && source.checkValidity()) slider.value = source.value;
  fill(slider);
}

function fillSliders() {
  document.querySelectorAll("input.slider").forEach(fill);
}

function fill(slider) {
  const share = (slider.value - slider.min) / (slider.max - slider.min);
  slider.style.setProperty("--fill", `${share * 100}%`);
}

function say(text) {
  const place = document.getElementById("saved");
  if (place) place.textContent = text;
}
