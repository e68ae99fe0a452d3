// The crew's pages without signal. Served at /drive/sw.js for the scope /drive. The network always comes first; a kept copy
// is shown only when there is none, for this shift only. Any answer that is not the page itself (signed out, here or from
// afar; a trip that is not this crew's any more) takes the copies away, and so does signing out (forms.js).
const PAGES = "driver-pages", SHELL = "driver-shell", SHIFT_MS = 16 * 3600 * 1000;
const isPage = (url) => url.pathname === "/drive" || url.pathname.startsWith("/drive/");
const isOld = (kept) => Date.now() - Number(kept.headers.get("X-Kept-At")) >= SHIFT_MS;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function keep(request, answer) {
  const headers = new Headers(answer.headers); // the content security policy with them
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name); // the kept body is plain
  headers.set("X-Kept-At", String(Date.now()));
  const pages = await caches.open(PAGES);
  for (const other of await pages.keys()) if (isOld(await pages.match(other))) await pages.delete(other);
  await pages.put(request, new Response(await answer.blob(), { headers }));
}

async function page(request) {
  let answer;
  try {
    answer = await fetch(request);
  } catch (lost) {
    const kept = await caches.match(request, { cacheName: PAGES });
    if (kept && !isOld(kept)) return kept;
    throw lost;
  }
  // A navigation's redirect comes unfollowed and does not say where it leads: it may be the sign-in page.
  if (answer.ok) await keep(request, answer.clone());
  else if (answer.type === "opaqueredirect" || answer.status < 500) await caches.delete(PAGES);
  return answer;
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
  if (event.request.mode === "navigate" && isPage(url)) event.respondWith(page(event.request));
  else if (url.pathname.startsWith("/static/")) event.respondWith(asset(event.request));
});
