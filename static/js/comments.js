/** Comments at a time code: the form follows the playhead, marks stand on the ruler, C begins one here. */

import { timecode } from "./timecode.js";

/**
 * @param {HTMLElement} root  the player
 * @param {import("./transport.js").Transport} transport
 * @param {number} seconds  length of the axis
 * @returns {() => void} unbinds everything
 */
export function bindComments(root, transport, seconds) {
  const off = new AbortController();
  const { signal } = off;
  const held = { at: null };

  // While somebody writes, the comment stays at the second where they began, though the film may play on.
  const follow = () => {
    const form = root.querySelector("[data-comment-form]");
    if (!form) return;
    const text = form.querySelector("textarea");
    const writing = form.contains(document.activeElement) || text.value !== "";
    if (!writing) held.at = null;
    else held.at ??= transport.time;
    const at = held.at ?? transport.time;
    form.querySelector("[name=at]").value = at.toFixed(3);
    form.querySelector("[data-comment-at]").textContent = timecode(at);
  };
  const mark = () => {
    const box = root.querySelector("[data-comment-marks]");
    if (!box) return;
    box.replaceChildren();
    for (const comment of root.querySelectorAll("[data-comment]")) {
      const pin = document.createElement("span");
      pin.className = "comment-pin";
      pin.textContent = comment.dataset.initials;
      pin.style.setProperty("left", `${Math.min(100, (Number(comment.dataset.at) / seconds) * 100)}%`);
      box.append(pin);
    }
  };
  transport.addEventListener("time", follow, { signal });
  document.addEventListener("focusin", follow, { signal });
  document.addEventListener("focusout", () => setTimeout(follow), { signal });
  document.addEventListener("htmx:afterSettle", () => {
    held.at = null;
    mark();
    follow();
  }, { signal });
  mark();
  follow();
  return () => off.abort();
}

/** Pause and put the caret into the comment at this second. */
export function commentHere(root, transport) {
  const text = root.querySelector("[data-comment-form] textarea");
  if (!text) return;
  transport.pause();
  text.focus();
}
