// The crew's pages without signal. Served at /driver/sw.js (scope /driver/). The network always comes first; a kept copy is
// shown only when there is none, for this shift only. A page that leads to signing in wipes every copy: nothing of a
// patient stays on the phone after sign-out, whether here or from afar.
const PAGES = "driver-pages", SHELL = "driver-shell", SHIFT_MS = 16 * 3600 * 1000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function wipe() { await caches.delete(PAGES); }

async function page(request) {
  const pages = await caches.open(PAGES);
  try {
    const answer = await fetch(request);
    const left = answer.redirected && !new URL(answer.url).pathname.startsWith("/driver/");
    if (left || answer.status === 401) await wipe();
    else if (answer.ok) {
      const kept = new Response(await answer.clone().blob(), { headers: { "Content-Type": answer.headers.get("Content-Type") ?? "text/html", "X-Kept-At": String(Date.now()) } });
      await pages.put(request, kept);
    }
    return answer;
  } catch (lost) {
    const kept = await pages.match(request);
    if (kept && Date.now() - Number(kept.headers.get("X-Kept-At")) < SHIFT_MS) return kept;
    throw lost;
  }
}

async function asset(request) {
  const shell = await caches.open(SHELL);
  try {
    const answer = await fetch(request);
    if (answer.ok) await shell.put(request, answer.clone());
    return answer;
  } catch (lost) {
    const kept = await shell.match(request);
    if (kept) return kept;
    throw lost;
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate" && url.pathname.startsWith("/driver/")) event.respondWith(page(event.request));
  else if (url.pathname.startsWith("/static/")) event.respondWith(asset(event.request));
});
self.addEventListener("message", (event) => { if (event.data === "wipe") event.waitUntil(wipe()); });
