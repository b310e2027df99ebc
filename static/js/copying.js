/** Copy buttons: [data-copy="text"] anywhere on the page. */

import { toast } from "./shell.js";

/** Put text on the clipboard and say so; where the browser forbids it, say that. */
export async function copy(text, done = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
    toast(done);
  } catch {
    toast("This browser does not let the page copy. Select the text and copy it by hand.", { bad: true });
  }
}

export function bindCopying() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button.dataset.copy);
    if (event.target.matches?.("[data-select-all]")) event.target.select();
  });
}
