/**
 * Service worker: the app's shell is precached, so the app opens offline and shows the last proven balance;
 * the runtime (wasm) is cached after its first use. A new version waits until it is asked to take over.
 */
import { setCacheNameDetails } from 'workbox-core';
import {
  cleanupOutdatedCaches,
  createHandlerBoundToURL,
  precacheAndRoute,
} from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { CacheFirst, NetworkFirst } from 'workbox-strategies';

/** The part of ServiceWorkerGlobalScope that we use: its type library cannot be loaded beside the DOM's. */
declare const self: {
  readonly __WB_MANIFEST: { url: string; revision: string | null }[];
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
  addEventListener(
    type: 'message' | 'activate',
    listener: (event: { data?: unknown; waitUntil(done: Promise<unknown>): void }) => void,
  ): void;
};

/** Cached files of the runtime: a few versions of a few files. */
const RUNTIME_FILES_MAX = 12;

// Every name that the app uses on the origin begins with this prefix (src/ui/settings/device/wipe.ts).
setCacheNameDetails({ prefix: 'pila' });
precacheAndRoute(self.__WB_MANIFEST);
cleanupOutdatedCaches();
// Only the app's own address: the node that serves it has other pages (metrics).
registerRoute(
  new NavigationRoute(createHandlerBoundToURL('index.html'), {
    allowlist: [/^[^?]*\/(index\.html)?(\?|$)/],
  }),
);

async function dropOldest(cacheName: string): Promise<void> {
  const cache = await caches.open(cacheName);
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, -RUNTIME_FILES_MAX).map((request) => cache.delete(request)));
}

// Hashed names never change. Models are not here: the worker that uses them checks and keeps them.
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && /\/assets\/.*\.(wasm|mjs|js)$/.test(url.pathname),
  new CacheFirst({
    cacheName: 'pila-runtime',
    plugins: [{ cacheDidUpdate: ({ cacheName }) => dropOldest(cacheName) }],
  }),
);
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.endsWith('/config.json'),
  new NetworkFirst({
    cacheName: 'pila-config',
    networkTimeoutSeconds: 5,
    plugins: [{ cacheWillUpdate: async ({ response }) => withoutTime(response) }],
  }),
);

/** Removes the date: the date of a cached answer must not be compared with this device's clock later. */
function withoutTime(response: Response): Response | null {
  if (!response.ok) return null;
  const headers = new Headers(response.headers);
  headers.delete('date');
  return new Response(response.body, { headers });
}

self.addEventListener('message', (event) => {
  if ((event.data as { type?: string } | undefined)?.type === 'SKIP_WAITING')
    event.waitUntil(self.skipWaiting());
});
// Takes control on the first visit: workers fetched before control would not be cached and would be missing offline.
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
