// The app's versions: the service worker, the notice of a new version, and what older drafts still need.

const KEPT = "front-kept";
const HOUR_MS = 3_600_000;

/** Only this worker is ever a script by address (Trusted Types). */
const policy = self.trustedTypes?.createPolicy("front", {
  createScriptURL: (url) => {
    if (url !== "sw.js") throw new TypeError("expected the app's own worker");
    return url;
  },
});

/**
 * Register the worker. `onChange` is called with "ready" once the app works without a network and with "update" when
 * another version waits.
 */
export async function watchVersions(onChange) {
  if (!navigator.serviceWorker) return null;
  const registration = await navigator.serviceWorker.register(policy?.createScriptURL("sw.js") ?? "sw.js", {
    scope: "./",
    updateViaCache: "none",
  });
  const look = () => {
    if (registration.active) onChange("ready");
    if (registration.waiting && registration.active) onChange("update");
  };
  const follow = (worker) => worker?.addEventListener("statechange", look);
  follow(registration.installing);
  follow(registration.waiting);
  registration.addEventListener("updatefound", () => follow(registration.installing));
  look();
  const ask = () => registration.update().catch(() => {}); // without a network there is nothing newer to have
  setInterval(ask, HOUR_MS);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ask());
  return registration;
}

/** Open the waiting version, unless a protocol is open in some window; false then. */
export async function takeUpdate(registration) {
  const take = () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    registration.waiting?.postMessage("take");
    return true;
  };
  if (!navigator.locks) return take();
  return navigator.locks.request("front-walk", { ifAvailable: true }, (lock) => (lock ? take() : false));
}

/** Hold the version while a protocol is open in this window; returns what lets go of it. */
export function holdVersion() {
  if (!navigator.locks) return () => {};
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  navigator.locks.request("front-walk", { mode: "shared" }, () => released);
  return release;
}

/** Hold one visit for this window; null where another window has it. */
export async function holdVisit(id) {
  if (!navigator.locks) return () => {};
  return new Promise((resolve) => {
    navigator.locks.request(`front-visit ${id}`, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(null);
      return new Promise((release) => resolve(release));
    });
  });
}

/** Keep a version's protocols for the records begun under it; a worker of another version finds them there. */
export async function keepVersion(base, languages) {
  const cache = await caches.open(KEPT);
  const files = ["protocol.json", ...languages.map((language) => `texts.${language}.json`)];
  await Promise.all(files.map(async (file) => {
    const url = new URL(`${base}/${file}`, location.href).href;
    if (!(await cache.match(url))) await cache.put(url, await fetch(url, { credentials: "omit" }));
  }));
}

/** Forget the kept versions that no record needs. */
export async function forgetVersions(needed) {
  if (!(await caches.has(KEPT))) return;
  const cache = await caches.open(KEPT);
  const bases = needed.map((base) => new URL(`${base}/`, location.href).href);
  for (const request of await cache.keys()) {
    if (!bases.some((base) => request.url.startsWith(base))) await cache.delete(request);
  }
}
