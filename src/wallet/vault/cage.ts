/**
 * What nobody may have beside keys: a way out, and code made from text. The worker's policy forbids both, and comes
 * in a header that a host may forget. So this module, the first that the worker runs, tries them, and deletes the
 * ways out before a dependency of the keys can have them.
 */

/** Of other tabs' vaults: the one way out that the keys' own thread has, to threads of this origin. */
export const news = new BroadcastChannel('pila vault');

/** Calls that reach a server, a cache or another thread, where a browser has them. */
const WAYS_OUT = [
  ...['fetch', 'fetchLater', 'XMLHttpRequest', 'EventSource', 'WebSocket', 'WebSocketStream'],
  ...['WebTransport', 'RTCPeerConnection', 'RTCDataChannel', 'importScripts', 'FontFace', 'fonts'],
  ...['caches', 'Worker', 'SharedWorker', 'BroadcastChannel'],
];

/** After `scheduler.yield` a long derivation goes on before any message is read: none could stop it. */
const HASTE = 'scheduler';

/** Why this thread may hold no keys; undefined where its policy is in force. */
export const refusal: Promise<string | undefined> = findHole();

for (const name of [...WAYS_OUT, HASTE])
  for (let at: object | null = globalThis; at; at = Reflect.getPrototypeOf(at))
    Reflect.deleteProperty(at, name);

async function findHole(): Promise<string | undefined> {
  const holes = [
    [(): unknown => (0, eval)('1'), 'eval works'],
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- tried only to see it refused
    [() => new Function(''), 'Function works'],
    // Both answer without a network: the worker's own file is at hand, as it has just been run.
    [() => fetch('data:,'), 'fetch works'],
    [() => fetch(location.href, { cache: 'force-cache' }), 'fetch of the own server works'],
  ] as const;
  const tried = holes.map(async ([attempt, says]) => {
    try {
      await attempt();
      return says;
    } catch {
      return undefined;
    }
  });
  const found = (await Promise.all(tried)).find((says) => says !== undefined);
  return found && `the keys' worker came without its content-security-policy: ${found}`;
}
