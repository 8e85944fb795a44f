// The service worker: the files of one version, each checked against its SHA-256, served without a network. A new
// version waits until the app says that no protocol is open. FILES and BUILD are written by build.py.

const BUILD = "@BUILD@";
const FILES = {}; /*@FILES@*/
const PREFIX = "front-";
const KEPT = "front-kept"; // texts that an unfinished record of an older version still needs

const scope = new URL("./", self.location);
const digests = new Map(Object.entries(FILES).map(([path, digest]) => [new URL(path, scope).href, digest]));

async function fetchWhole(url, digest) {
  const options = { integrity: `sha256-${digest}`, credentials: "omit", redirect: "error" };
  try {
    return await fetch(url, options);
  } catch {
    return fetch(url, { ...options, cache: "reload" }); // what the browser kept of it may be of another version
  }
}

async function install() {
  const name = `${PREFIX}${String(Date.now()).padStart(15, "0")}-${BUILD}`;
  const cache = await caches.open(name);
  try {
    await Promise.all([...digests].map(async ([url, digest]) => {
      const answer = await fetchWhole(url, digest);
      if (!answer.ok) throw new Error(`expected ${url}, got status ${answer.status}`);
      await cache.put(url, answer);
    }));
  } catch (error) {
    await caches.delete(name);
    throw error;
  }
}

async function ownName() {
  return (await caches.keys()).filter((name) => name.endsWith(`-${BUILD}`)).sort().at(-1);
}

async function activate() {
  const own = await ownName();
  const older = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== KEPT && name < own);
  await Promise.all(older.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function answer(request) {
  const url = new URL(request.url);
  const own = await ownName();
  if (own) {
    const key = request.mode === "navigate" ? scope.href : url.origin + url.pathname;
    const cache = await caches.open(own);
    const found = (await cache.match(key, { ignoreVary: true })) ?? (await keptMatch(key));
    if (found) return found;
  }
  return fetch(request);
}

async function keptMatch(key) {
  return (await caches.has(KEPT)) ? (await caches.open(KEPT)).match(key, { ignoreVary: true }) : undefined;
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => event.data === "take" && self.skipWaiting());
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
  event.respondWith(answer(event.request));
});
