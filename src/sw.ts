/**
 * Service worker: the app's shell is precached, so the app opens offline and shows the last proven balance;
 * the runtime (wasm) is cached after its first use. A new version waits until it is asked to take over, and one that
 * is older than what has been at work here is refused. What is kept is what its name says.
 */
import { setCacheNameDetails, type WorkboxPlugin } from 'workbox-core';
import {
  addPlugins,
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
  readonly clients: {
    claim(): Promise<void>;
    matchAll(of: { type: 'window'; includeUncontrolled: boolean }): Promise<readonly Page[]>;
    openWindow(url: string): Promise<unknown>;
  };
  addEventListener(
    type: 'message' | 'install' | 'activate',
    listener: (event: { data?: unknown; waitUntil(done: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(type: 'notificationclick', listener: (event: Click) => void): void;
};
interface Page {
  focus(): Promise<unknown>;
  postMessage(message: unknown): void;
}
interface Click {
  readonly notification: { readonly data?: unknown; close(): void };
  waitUntil(done: Promise<unknown>): void;
}

/** Seconds since 1970 of the source's last change (vite.config.ts); 0: unknown. */
declare const BUILT_FROM_S: number;

/** Types of what the app has, by the end of a name. A host may answer a missing file with a page and status 200. */
const TYPES: Readonly<Record<string, RegExp>> = {
  js: /^(text|application)\/javascript$/,
  mjs: /^(text|application)\/javascript$/,
  css: /^text\/css$/,
  html: /^text\/html$/,
  json: /^application\/json$/,
  wasm: /^application\/wasm$/,
};
const NO_PAGE = /^(?!text\/html$)/;

/** Whether an answer came from this server, whole, and is of the type that its name says. */
function isFitting(url: string, { status, type, headers }: Response): boolean {
  const end = /\.(\w+)$/.exec(new URL(url).pathname)?.[1] ?? 'html';
  const [said = ''] = (headers.get('content-type') ?? '').split(';');
  return status === 200 && type === 'basic' && (TYPES[end] ?? NO_PAGE).test(said.trim());
}

/** Everything is being erased: an answer that is still on its way comes when its cache is gone. */
let keepsNothing = false;

const mayKeep = (url: string, response: Response): boolean =>
  !keepsNothing && isFitting(url, response);

/** Keeps what is fitting, and gives nothing else of what was kept before. */
const fittingOnly: WorkboxPlugin = {
  cacheWillUpdate: async ({ request, response }) =>
    mayKeep(request.url, response) ? response : null,
  cachedResponseWillBeUsed: async ({ request, cachedResponse }) =>
    cachedResponse && isFitting(request.url, cachedResponse) ? cachedResponse : null,
};

/** Cached files of the runtime: a few versions of a few files. */
const RUNTIME_FILES_MAX = 12;

// Every name that the app uses on the origin begins with this prefix (src/ui/settings/device/wipe.ts).
setCacheNameDetails({ prefix: 'pila' });
// An installation that gets a page in the place of a file fails, and the version at work goes on.
addPlugins([fittingOnly]);
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
    plugins: [fittingOnly, { cacheDidUpdate: ({ cacheName }) => dropOldest(cacheName) }],
  }),
);
const configStrategy = new NetworkFirst({
  cacheName: 'pila-config',
  networkTimeoutSeconds: 5,
  plugins: [
    {
      cacheWillUpdate: async ({ request, response }) =>
        mayKeep(request.url, response) ? withoutTime(response) : null,
    },
  ],
});
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.endsWith('/config.json'),
  configStrategy,
);

/** Removes the date: the date of a cached answer must not be compared with this device's clock later. */
function withoutTime(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.delete('date');
  return new Response(response.body, { headers });
}

self.addEventListener('message', (event) => {
  const { type } = (event.data ?? {}) as { type?: unknown };
  if (type === 'SKIP_WAITING') event.waitUntil(self.skipWaiting());
  if (type === 'KEEP_NOTHING') keepsNothing = true;
});

/** A page that is open comes to the front and goes there itself (src/ui/attention); else one is opened there. */
async function goThere(link: string): Promise<void> {
  const [page] = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (!page) return void (await self.clients.openWindow(`./${link}`));
  page.postMessage({ link });
  await page.focus();
}
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { link } = Object(event.notification.data) as { link?: unknown };
  event.waitUntil(goThere(typeof link === 'string' && link.startsWith('#/') ? link : '#/'));
});

/** Holds one number: the newest source that was at work in this browser. */
const BUILDS = 'pila-build';
const NEWEST = '/newest';

async function newestBuild(): Promise<number> {
  const kept = await (await caches.open(BUILDS)).match(NEWEST);
  return kept ? Number(await kept.text()) : 0;
}

/** A server that offers an older build, by mistake or on purpose, would bring back what was mended since. */
async function refuseOlder(): Promise<void> {
  if (BUILT_FROM_S && BUILT_FROM_S < (await newestBuild()))
    throw new Error('this build is older than the one at work here');
}

/** The page read it before this worker was at work: without it a first visit could not be opened offline. */
async function keepConfig(event: object): Promise<void> {
  const request = new Request('config.json');
  await Promise.all(configStrategy.handleAll({ event: event as never, request })).catch(
    () => undefined,
  );
}

async function takeOver(): Promise<void> {
  const newest = Math.max(BUILT_FROM_S, await newestBuild());
  await (await caches.open(BUILDS)).put(NEWEST, new Response(String(newest)));
  // Takes control on the first visit: workers fetched before control would not be cached and would be missing offline.
  await self.clients.claim();
}

self.addEventListener('install', (event) => {
  event.waitUntil(refuseOlder());
  event.waitUntil(keepConfig(event));
});
self.addEventListener('activate', (event) => event.waitUntil(takeOver()));
