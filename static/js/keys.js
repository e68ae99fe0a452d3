// Shortcuts of the desk. A control says which key presses it (data-key="a"); a navigation link which letter follows G
// (data-go="b"). Single keys are off in fields, inside dialogs, and with <html data-keys="off"> (WCAG 2.1.4).
let goUntil = 0;

const visible = (element) => element && !element.disabled && element.checkVisibility();
const inField = (target) => target.closest?.("input:not([type=radio],[type=checkbox]),textarea,select,[contenteditable=true]");

// The control for a key: the one in the focused item first, then the first on the page.
function control(key) {
  const selector = `[data-key="${CSS.escape(key)}"]`;
  const item = document.activeElement?.closest("[data-item]");
  return [...(item?.querySelectorAll(selector) ?? []), ...document.querySelectorAll(selector)].find(visible);
}

function press(element) {
  if (element.matches("select,input")) element.focus();
  else element.click();
}

// What Ctrl Enter stands for: the form's primary button or its only one, so that the button's own value goes along.
function mainButton(form) {
  const all = [...form.querySelectorAll("button[type=submit]:enabled")].filter(visible);
  return all.find((button) => button.matches(".pri")) ?? (all.length === 1 ? all[0] : null);
}

// J and K walk the first link or button of each item; focus is the selection, so Enter opens it as any link.
function step(by) {
  const list = document.activeElement?.closest("[data-items]") ?? [...document.querySelectorAll("main [data-items]")].find(visible);
  const items = [...(list?.querySelectorAll("[data-item]") ?? [])].filter(visible);
  if (!items.length) return;
  const here = items.findIndex((item) => item.contains(document.activeElement));
  const next = items[here < 0 ? (by > 0 ? 0 : items.length - 1) : Math.min(Math.max(here + by, 0), items.length - 1)];
  (next.querySelector("a.k,[data-primary]") ?? next.querySelector("a[href],button"))?.focus();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const target = event.target;
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    const form = target.closest?.("form") ?? document.querySelector("main form[data-submit-key]");
    if (form) { event.preventDefault(); form.requestSubmit(mainButton(form)); }
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.documentElement.dataset.keys === "off" || inField(target) || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;

  if (goUntil > Date.now()) {
    goUntil = 0;
    const link = document.querySelector(`a[data-go="${CSS.escape(key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  if (key === "g") { goUntil = Date.now() + 1500; return; }
  if (key === "j" || key === "k") { event.preventDefault(); step(key === "j" ? 1 : -1); return; }
  if (key === "?") { event.preventDefault(); document.getElementById("keys-help")?.showModal(); return; }
  const element = key === "/" ? document.querySelector("main [data-find]") : control(key === "Escape" ? "esc" : key);
  if (element) { event.preventDefault(); press(element); }
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-keys-toggle]")) return;
  const off = !event.target.checked;
  document.documentElement.dataset.keys = off ? "off" : "on";
  document.cookie = `keys=${off ? "off" : "on"}; path=/; max-age=31536000; samesite=lax`;
});
