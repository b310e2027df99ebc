/** Ctrl K: a dialog with every page, project, file and action by its words. Arrows move, Enter goes. */

const dialog = document.getElementById("commands");
const field = document.getElementById("commands-words");

function open() {
  document.querySelectorAll("[popover]:popover-open").forEach((menu) => menu.hidePopover());
  if (dialog.open) return;
  dialog.showModal();
  field.select();
  window.htmx.trigger(field.form, "studio:open");
}

/** The field, then every command in the order of the page. */
function stops() {
  return [field, ...dialog.querySelectorAll("[data-command]")];
}

function move(by) {
  const all = stops();
  const at = Math.max(0, all.indexOf(document.activeElement));
  all[(at + by + all.length) % all.length].focus();
}

function key(event) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key.length === 1 && event.target !== field && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
    field.focus(); // typing goes on in the field, wherever the arrows had led
  }
}

if (dialog) {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else if (!document.querySelector("dialog:modal")) open();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-commands]")) {
      event.preventDefault();
      open();
    } else if (event.target === dialog) {
      dialog.close(); // the darkened page around it
    }
  });
  dialog.addEventListener("keydown", key);
  // Enter in the field takes the first command that fits what was typed: where the answer is still on its way, that one.
  let stale = false;
  let wanted = false;
  const first = () => dialog.querySelector("[data-command]")?.click();
  field.addEventListener("input", () => { stale = true; wanted = false; });
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (stale) wanted = true;
    else first();
  });
  dialog.addEventListener("htmx:afterSwap", () => {
    stale = false;
    if (wanted) first();
  });
}
