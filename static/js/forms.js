// Forms, dialogs, theme, toasts and the sign-out warning. Every form works without this file.

// A second click while the first is on its way sends nothing; after an error or Back the buttons work again.
function busy(form, yes) {
  form.dataset.busy = yes ? "yes" : "";
  for (const button of form.querySelectorAll("button:not([type=button])")) {
    if (yes) button.setAttribute("aria-busy", "true"); else button.removeAttribute("aria-busy");
  }
}
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("[data-guard]")) return;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (form.dataset.busy === "yes") { event.preventDefault(); event.stopImmediatePropagation(); return; }
  if (!navigator.onLine) {
    event.preventDefault();
    event.stopImmediatePropagation();
    say("You are offline. Nothing was sent; try again when the top bar says Live.", "warn");
    return;
  }
  busy(form, true);
  setTimeout(() => busy(form, false), 15_000); // no answer at all: let the person try again
}, true);
addEventListener("pageshow", () => document.querySelectorAll("form[data-guard]").forEach((form) => busy(form, false)));
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt.closest?.("form[data-guard]");
  if (form) busy(form, false);
});

// Signing out takes the crew's kept pages (driver-worker.js) off the phone at once; unsent taps stay until they are sent.
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-shift-end]")) globalThis.caches?.delete("driver-pages");
});

// Drafts: a form with data-draft="URL" posts itself there a second after the last change, and says when it was kept.
const drafts = new WeakMap();
document.addEventListener("input", draft);
document.addEventListener("change", draft);
function draft(event) {
  const form = event.target.closest?.("form[data-draft]");
  if (form) {
    clearTimeout(drafts.get(form));
    drafts.set(form, setTimeout(() => keep(form), 1000));
  }
  const select = event.type === "change" && event.target.closest?.("[data-autosubmit]");
  if (select) select.form.requestSubmit();
}
async function keep(form) {
  const note = document.querySelector("[data-draft-note]");
  let text = "Draft not saved yet";
  try {
    const answer = await fetch(form.dataset.draft, { method: "POST", body: new FormData(form), credentials: "same-origin", headers: { "X-CSRFToken": csrf(), "HX-Request": "true" } });
    // The clock of the top bar is the facility's; the browser's may be in another zone.
    if (answer.ok) text = `Draft saved ${document.querySelector(".clock time")?.textContent ?? ""}`.trim();
  } catch { /* offline: the note says that it is not saved */ }
  if (note) note.textContent = text;
}
const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

// After a refused submit the focus goes to the summary; its links go to the fields.
function focusIn(root) { (root.matches?.("[data-focus]") ? root : root.querySelector?.("[data-focus]"))?.focus(); }
focusIn(document);
document.addEventListener("htmx:load", (event) => focusIn(event.detail.elt));
// 4xx and 5xx that bring no fragment, and no answer at all, still get a sentence.
document.addEventListener("htmx:responseError", (event) => {
  const code = event.detail.xhr.getResponseHeader("X-Request-Id")?.slice(0, 8);
  const texts = { 403: "You are not allowed to do this.", 404: "This is not here any more. Open the page again.", 429: "Too many tries. Wait a minute." };
  say(`${texts[event.detail.xhr.status] ?? "We could not do this. Try again."}${code ? ` Code ${code}` : ""}`, "bad");
});
document.addEventListener("htmx:sendError", () => say("No connection. Nothing was sent; try again in a moment.", "warn"));

// Dialogs: data-open="id" opens, data-close closes; the browser keeps and returns the focus.
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-open]");
  const dialog = opener && document.getElementById(opener.dataset.open);
  if (dialog?.tagName === "DIALOG" && !dialog.open && !dialog.classList.contains("palette")) {
    event.preventDefault();
    opener.closest("[popover]")?.hidePopover();
    dialog.showModal();
  }
  if (event.target.closest?.("[data-close]")) event.target.closest("dialog,[data-toast]")?.[event.target.closest("dialog") ? "close" : "remove"]();
  if (event.target.closest?.("[data-print]")) window.print();
  const theme = event.target.closest?.("[data-theme-set]")?.dataset.themeSet;
  if (theme !== undefined) setTheme(theme);
});
function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
  document.cookie = `theme=${theme}; path=/; max-age=${theme ? 31536000 : 0}; samesite=lax`;
  document.querySelectorAll("[data-theme-set]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.themeSet === theme)));
}

// Toasts leave after 8 s, not while pointed at or focused.
function leave(toast) {
  if (toast.dataset.toast === "stay" || toast.dataset.timed) return;
  toast.dataset.timed = "yes";
  let left = 8;
  const timer = setInterval(() => {
    if (!toast.isConnected) clearInterval(timer);
    else if (!toast.matches(":hover,:focus-within") && --left <= 0) { clearInterval(timer); toast.remove(); }
  }, 1000);
}
export function say(text, tone = "ok") {
  const toast = document.createElement("div");
  toast.className = `toast ${tone}`;
  toast.dataset.toast = tone === "bad" ? "stay" : "";
  toast.setAttribute("role", tone === "bad" ? "alert" : "status");
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  Object.assign(close, { type: "button", className: "btn sm", textContent: "Dismiss" });
  close.dataset.close = "";
  toast.append(words, close);
  (document.getElementById("toasts") ?? document.body).append(toast);
  leave(toast);
}
document.querySelectorAll("#toasts [data-toast]").forEach(leave);
document.addEventListener("htmx:load", (event) => document.querySelectorAll("#toasts [data-toast]").forEach(leave));
document.addEventListener("carrywell:say", (event) => say(event.detail.text ?? event.detail.value, event.detail.tone));

// Two minutes before the session ends, say so; any request to our server starts the time anew.
const warning = document.getElementById("session-dialog");
if (warning) {
  const whole = Number(warning.dataset.expiresIn) * 1000;
  let endsAt = Date.now() + whole;
  const again = () => { endsAt = Date.now() + whole; if (warning.open) warning.close(); };
  document.addEventListener("htmx:afterRequest", (event) => {
    const cause = event.detail.requestConfig?.triggeringEvent?.type ?? "";
    if (event.detail.successful && !/^(sse:|live:)/.test(cause)) again();
  });
  warning.querySelector("[data-session-stay]").addEventListener("click", async () => {
    const answer = await fetch(warning.dataset.keepAlive, { method: "POST", headers: { "X-CSRFToken": csrf() }, credentials: "same-origin" }).catch(() => null);
    if (answer?.ok && !answer.redirected) again(); else say("We could not keep you signed in. Your draft is kept.", "bad");
  });
  setInterval(() => {
    const left = Math.max(Math.round((endsAt - Date.now()) / 1000), 0);
    warning.querySelector("[data-session-left]").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left <= 120 && left > 0 && !warning.open) warning.showModal();
    if (left === 0) location.reload(); // the server decides: it shows the sign-in page, or the page if the session lives
  }, 1000);
}
