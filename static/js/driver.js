// The crew's outbox: a status tap is stored on the phone first, with its own time, then sent. It survives no signal, a
// closed page and a lost answer; the server ignores a repeated idempotency key and keeps the tap's time.
const STORE = "carrywell.outbox", UNDO_MS = 10_000;
const banner = document.querySelector("[data-outbox-banner]");
const refusedBanner = document.querySelector("[data-outbox-refused]");
const read = () => { try { return JSON.parse(localStorage.getItem(STORE)) ?? []; } catch { return []; } };
const write = (entries) => { localStorage.setItem(STORE, JSON.stringify(entries)); draw(); };
const update = (key, change) => write(read().map((e) => (e.key === key ? { ...e, ...change } : e)));
const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const clockTime = (iso) => new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", timeZone: document.querySelector("[data-clock]")?.dataset.zone || undefined,
}).format(new Date(iso));
// Entries belong to the person who tapped: on a shared phone the next person never sends them.
const owner = document.querySelector("[data-owner]")?.dataset.owner ?? "";
let sending = false;

function draw() {
  const entries = read().filter((e) => e.owner === owner);
  const refused = entries.filter((e) => e.refused);
  const waiting = entries.filter((e) => !e.refused && e.sendAfter <= Date.now() && (e.tries > 0 || !navigator.onLine)).length;
  if (banner) {
    banner.hidden = !waiting;
    banner.querySelector("[data-outbox-text]").textContent = `${navigator.onLine ? "Not sent yet" : "No signal"}. ${waiting} ${waiting === 1 ? "tap" : "taps"} saved on this phone.`;
  }
  if (refusedBanner) {
    refusedBanner.hidden = !refused.length;
    refusedBanner.querySelector("[data-outbox-refused-text]").textContent = refused.length
      ? `“${refused[0].label}” at ${clockTime(refused[0].at)} was not accepted: ${refused[0].refused} Call dispatch.` : "";
  }
  steps(entries);
}

// All steps of a trip are on the page; the first one that has not been tapped here is shown.
function steps(entries) {
  for (const act of document.querySelectorAll("[data-steps]")) {
    const forms = [...act.querySelectorAll("form[data-step]")];
    const start = forms.findIndex((f) => f.dataset.current !== undefined);
    const tapped = new Set(entries.filter((e) => !e.refused).map((e) => e.url));
    const next = forms.slice(Math.max(start, 0)).find((f) => !tapped.has(f.getAttribute("action")));
    for (const form of forms) form.hidden = form !== next;
    act.querySelectorAll("[data-steps-done]").forEach((e) => { e.hidden = Boolean(next); });
  }
}

function position(key) {
  if (document.querySelector("[data-position]")?.dataset.position !== "on" || !navigator.geolocation) return;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => update(key, { latitude: coords.latitude.toFixed(6), longitude: coords.longitude.toFixed(6), accuracy_m: Math.round(coords.accuracy) }),
    () => {}, // refused or unknown: the tap counts without a position
    { enableHighAccuracy: true, timeout: 8_000, maximumAge: 15_000 },
  );
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-outbox]")) return;
  event.preventDefault();
  const fields = Object.fromEntries([...new FormData(form, event.submitter)].filter(([name, v]) => typeof v === "string" && name !== "csrfmiddlewaretoken"));
  const label = (event.submitter ?? form.querySelector("button")).textContent.trim();
  const entry = {
    key: crypto.randomUUID(), owner, url: form.getAttribute("action"), fields, label, at: new Date().toISOString(),
    sendAfter: Date.now() + (form.dataset.undo === "off" ? 0 : UNDO_MS), tries: 0,
  };
  try {
    write([...read(), entry]);
  } catch { // the phone's storage is full or shut: send it the plain way rather than lose it
    form.submit();
    return;
  }
  position(entry.key);
  navigator.vibrate?.(30);
  undo(entry, form);
  flush();
}, false);

function undo(entry, form) {
  document.querySelector(".undo")?.remove();
  const wait = entry.sendAfter - Date.now();
  if (wait <= 0) return;
  const row = document.createElement("div");
  row.className = "undo";
  row.setAttribute("role", "status");
  const words = document.createElement("span");
  words.textContent = `${entry.label}, ${clockTime(entry.at)}`;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "btn", textContent: "Undo" });
  button.addEventListener("click", () => { write(read().filter((e) => e.key !== entry.key)); row.remove(); });
  row.append(words, button);
  // Inside the sticky bar: before it, the row would lie under it on a small screen.
  const bar = form.closest("[data-steps]");
  if (bar) bar.prepend(row); else form.before(row);
  setTimeout(() => { row.remove(); flush(); }, wait);
}

// One at a time and in order: the server must not see "on board" before "arrived".
async function flush() {
  if (sending) return;
  sending = true;
  let sent = 0;
  try {
    for (;;) {
      const entry = read().find((e) => e.owner === owner && !e.refused);
      if (!entry || entry.sendAfter > Date.now() || !navigator.onLine) break;
      const body = new URLSearchParams({ ...entry.fields, idempotency_key: entry.key, occurred_at: entry.at, device_now: new Date().toISOString() });
      for (const name of ["latitude", "longitude", "accuracy_m"]) if (entry[name] !== undefined) body.set(name, entry[name]);
      let answer;
      try {
        answer = await fetch(entry.url, { method: "POST", body, credentials: "same-origin", headers: { "X-CSRFToken": csrf(), "Idempotency-Key": entry.key, Accept: "application/json" } });
      } catch { update(entry.key, { tries: entry.tries + 1 }); break; }
      // A view may answer with the next page; a redirect to signing in looks alike but has no outbox on it.
      const taken = answer.ok && (!answer.redirected || (await answer.clone().text()).includes("data-outbox-banner"));
      if (taken) { write(read().filter((e) => e.key !== entry.key)); sent += 1; continue; }
      if ([400, 404, 409, 410, 422].includes(answer.status)) {
        const why = await answer.json().then((d) => d.message ?? d.detail, () => null);
        update(entry.key, { refused: why ?? "the trip has changed." });
        continue;
      }
      update(entry.key, { tries: entry.tries + 1 }); // signed out, throttled or a server fault: keep it and try later
      break;
    }
  } finally { sending = false; }
  if (sent && !read().length && document.querySelector("[data-steps]")) location.reload(); // show what the server now says
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-outbox-clear]")) { write(read().filter((e) => e.owner !== owner || !e.refused)); location.reload(); }
});
for (const name of ["online", "pageshow"]) addEventListener(name, () => { draw(); flush(); });
addEventListener("offline", draw);
document.addEventListener("visibilitychange", () => { if (!document.hidden) flush(); });
setInterval(flush, 15_000);
const worker = document.querySelector("[data-worker]")?.dataset.worker;
if (worker) navigator.serviceWorker?.register(worker, { scope: "/drive" }).catch(() => {}); // without it pages need signal
const tickClock = () => document.querySelectorAll("time[data-clock]").forEach((e) => { e.textContent = clockTime(new Date()); });
setInterval(tickClock, 20_000);
draw();
flush();
