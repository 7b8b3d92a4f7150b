/**
 * The content security policies: one of the page, which its build also writes into `index.html` (vite.config.ts),
 * and those of its workers. A worker has the policy that its own script came with, never the page's.
 */

/** Peers: any WebSocket. No policy governs WebRTC. */
const CONNECT = "connect-src 'self' ws: wss:";
/** Nobody frames the app. It counts in a header alone. */
const UNFRAMED = "frame-ancestors 'none'";

/** Of the page, as its `<meta>` and as the beginning of its header. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  CONNECT,
  "img-src 'self' data: blob:",
  "style-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  // `default`: worker and script addresses (src/ui/trusted.ts); the other is Svelte's own.
  'trusted-types default svelte-trusted-html',
].join('; ');

const PAGE_HEADER = `${PAGE_POLICY}; ${UNFRAMED}`;

/** Of the worker that holds the keys: it connects nowhere. It looks itself (src/wallet/vault/cage.ts). */
export const VAULT_POLICY =
  "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'";

/** Of all other workers. `mirrors`: further addresses from which they may fetch models, as the settings list them. */
function workerPolicy(mirrors: readonly string[]): string {
  const origins = new Set(mirrors.map((mirror) => new URL(mirror).origin));
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    [CONNECT, ...origins].join(' '),
    UNFRAMED,
  ].join('; ');
}

/** The policy of each file of the app, by its path on the server. */
export function policies(mirrors: readonly string[] = []): (path: string) => string {
  const worker = workerPolicy(mirrors);
  return (path) => {
    if (path.startsWith('/assets/vault.worker-')) return VAULT_POLICY;
    return path.endsWith('.js') ? worker : PAGE_HEADER;
  };
}
