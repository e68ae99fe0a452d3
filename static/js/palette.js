// The command palette: Ctrl K opens it, htmx fills the list, arrows and Enter choose.
import { listbox } from "./combobox.js";

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("[data-palette]");
const list = dialog?.querySelector('[role="listbox"]');

function open() {
  if (!dialog.open) dialog.showModal();
  input.select();
  input.dispatchEvent(new Event("palette:open"));
}

if (dialog) {
  const box = listbox(input, list, (option) => { dialog.close(); location.assign(option.dataset.url); });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.('[data-open="palette"]')) return;
    event.preventDefault();
    open();
  });
  list.addEventListener("htmx:afterSwap", () => {
    const count = box.options().length;
    box.mark(box.options()[0] ?? null);
    dialog.querySelector("[data-palette-status]").textContent = count === 1 ? "1 result" : `${count} results`;
  });
}
