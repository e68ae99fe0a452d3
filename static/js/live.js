// Live pages: the state in the top bar, ages and countdowns from timestamps, and swaps that never move a row under the
// pointer. The stream itself is opened by htmx's SSE extension on [data-live].
const RECONNECTING_AFTER = 5_000, OFFLINE_AFTER = 20_000, POLL_EVERY = 20_000, BEAT_LOST_AFTER = 45_000, REFRESH_GAP = 30_000;
const root = document.querySelector("[data-live]");
const state = document.querySelector("[data-live-state]");
const banner = document.querySelector("[data-offline-banner]");
// Nothing is live until the stream has opened.
let lostAt = Date.now(), beatAt = 0, beats = false, polledAt = 0, lastGood = Date.now();

const zone = () => document.querySelector("[data-clock]")?.dataset.zone || undefined;
const clock = (ms, seconds) => new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }), timeZone: zone(),
}).format(ms);
const refresh = () => { polledAt = Date.now(); document.body.dispatchEvent(new CustomEvent("live:refresh")); };

function show(text, icon, off) {
  if (!state) return;
  const label = state.querySelector("span"), use = state.querySelector("use");
  if (label.textContent === text) return; // a status line speaks whenever it changes, so it changes only when it must
  label.textContent = text;
  state.classList.toggle("off", off);
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#i-${icon}`));
}

function good() {
  const gap = lostAt ? Date.now() - lostAt : 0;
  lostAt = 0;
  lastGood = beatAt = Date.now();
  if (gap > REFRESH_GAP) refresh(); // what the stream kept for us may have run out
  draw();
}

function draw() {
  if (!root) return;
  if (!lostAt && beats && Date.now() - beatAt > BEAT_LOST_AFTER) lostAt = beatAt;
  const gone = lostAt ? Date.now() - lostAt : 0;
  const offline = gone > OFFLINE_AFTER && !navigator.onLine;
  if (gone < RECONNECTING_AFTER) show("Live", "radio", false);
  else if (offline) show(`Offline since ${clock(lostAt)}`, "wifi-off", true);
  else show(`Reconnecting, board as of ${clock(lastGood, true)}`, "refresh-cw", true);
  if (banner) {
    banner.hidden = !offline;
    if (offline) banner.querySelector("[data-offline-since]").textContent = clock(lostAt);
  }
  document.querySelector(".clock")?.classList.toggle("stale", gone > 60_000);
  if (gone > OFFLINE_AFTER && navigator.onLine && Date.now() - polledAt > POLL_EVERY) refresh();
}

const watched = new WeakSet();
document.addEventListener("htmx:sseOpen", (event) => {
  good();
  const source = event.detail.source;
  if (watched.has(source)) return;
  watched.add(source);
  source.addEventListener("beat", () => { beats = true; good(); });
});
document.addEventListener("htmx:sseError", () => { lostAt ||= Date.now(); });
document.addEventListener("htmx:sseMessage", () => { lastGood = beatAt = Date.now(); });
addEventListener("offline", () => { lostAt ||= Date.now(); draw(); });
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) lastGood = Date.now();
});

// What the page asks for by itself is no person at work: it must not put off the sign-out.
document.addEventListener("htmx:configRequest", (event) => {
  if (/^(sse:|live:)/.test(event.detail.triggeringEvent?.type ?? "")) event.detail.headers["X-Background"] = "1";
});

// A list that reorders waits while someone points at it or works in it; a bar says how many changes wait.
const waiting = new Map();
document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  const cause = event.detail.requestConfig?.triggeringEvent?.type ?? "";
  if (!element.matches("[data-live-hold]") || !/^(sse:|live:refresh)/.test(cause)) return;
  if (!element.matches(":hover") && !element.contains(document.activeElement)) { clearWaiting(element); return; }
  event.preventDefault();
  const entry = waiting.get(element) ?? { count: 0, bar: document.createElement("div"), button: document.createElement("button") };
  entry.count += 1;
  if (!entry.bar.isConnected) {
    entry.bar.className = "pending"; // lies over the list: rows must not move for it either
    Object.assign(entry.button, { type: "button", className: "btn sm pri" });
    entry.bar.append(entry.button);
    const showNow = () => { if (waiting.has(element)) { clearWaiting(element); window.htmx.trigger(element, "live:show"); } };
    entry.button.addEventListener("click", showNow);
    element.addEventListener("mouseleave", () => { if (!element.contains(document.activeElement)) showNow(); }, { once: true });
    element.before(entry.bar);
  }
  const noun = element.dataset.liveHold || "change";
  entry.button.textContent = `${entry.count} ${noun}${entry.count === 1 ? "" : "s"}, show`;
  waiting.set(element, entry);
});
function clearWaiting(element) {
  waiting.get(element)?.bar.remove();
  waiting.delete(element);
}

function flash(element) {
  if (!element?.classList) return;
  element.classList.add("changed");
  setTimeout(() => element.classList.remove("changed"), 2000);
}
document.addEventListener("htmx:oobAfterSwap", (event) => flash(document.getElementById(event.detail.target?.id)));

// Ages and clocks come from timestamps, so that a board that stopped looks stale, not healthy.
function ago(ms) {
  const minutes = Math.floor(Math.max(ms, 0) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / 1440)} d ago`;
}
function put(element, text) { if (element.textContent !== text) element.textContent = text; }

const RING = 2 * Math.PI * 22;
const SPOKEN = [180, 60, 30];
const last = new WeakMap();
function countdown(element, now) {
  const left = Math.max(Math.floor((Date.parse(element.dateTime) - now) / 1000), 0);
  const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  put(element, text);
  const before = last.get(element) ?? left;
  last.set(element, left);
  const ring = element.closest("[data-countdown-ring]");
  if (ring) {
    const share = Math.min(left / (Number(ring.dataset.total) || left || 1), 1);
    ring.querySelector(".fg").setAttribute("stroke-dasharray", `${(RING * share).toFixed(1)} ${RING.toFixed(1)}`);
    ring.classList.remove("move", "warn", "bad");
    ring.classList.add(left <= 30 ? "bad" : left <= 180 ? "warn" : "move");
  }
  // A timer is silent by itself: say it at three marks only.
  const passed = SPOKEN.find((mark) => before > mark && left <= mark);
  if (passed) {
    const label = ring?.dataset.label ?? "left";
    ring?.setAttribute("aria-label", `${text} ${label}`);
    const status = document.getElementById("status");
    if (status) status.textContent = `${passed >= 60 ? `${passed / 60} min` : `${passed} s`} ${label}`;
  }
  if (before > 0 && left === 0) element.dispatchEvent(new CustomEvent("countdown:end", { bubbles: true }));
}

// The clock runs on the server's time: workstations in wards are often minutes off.
const serverClock = document.querySelector("[data-clock]");
const skew = serverClock ? Date.parse(serverClock.dateTime) - Date.now() : 0;
function tick() {
  const now = Date.now() + (Math.abs(skew) < 86_400_000 ? skew : 0);
  document.querySelectorAll("time[data-age]").forEach((e) => put(e, ago(now - Date.parse(e.dateTime))));
  document.querySelectorAll("time[data-countdown]").forEach((e) => countdown(e, now));
  document.querySelectorAll("time[data-clock]").forEach((e) => put(e, clock(now)));
  draw();
}
setInterval(tick, 1000);
tick();
