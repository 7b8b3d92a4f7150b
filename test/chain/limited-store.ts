/**
 * Child process of full-disk.test.ts: a store on disk, and a chain in it, whose files its parent allows to grow to
 * a size and no further. Answers each message with the value or the error's code.
 */
import { createLevelStore } from '../../src/chain/store/level-store.ts';
import { AppError } from '../../src/lib/errors.ts';
import { mine, openChain, person, START_MS } from './make-blocks.ts';

// What the system sends beyond the limit, besides the error that it gives.
process.on('SIGXFSZ', () => undefined);

let clockMs = 0;
let lost = 0;
const [path] = process.argv.slice(2);
const store = await createLevelStore(path!, { nowMs: () => clockMs, onLost: () => lost++ });
const chainMs = { ms: START_MS };
let chain: ReturnType<typeof openChain> | undefined;

const fill = (bytes: number): Uint8Array => {
  // Not zeros: a table is compressed.
  const random = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536)
    crypto.getRandomValues(random.subarray(at, at + 65_536));
  return random;
};

const CALLS = {
  async put(key: string, bytes: number, byte?: number) {
    const value = byte === undefined ? fill(bytes) : new Uint8Array(bytes).fill(byte);
    await store.batch([{ key, value }]);
  },
  /** Bytes of the value. */
  get: async (key: string) => (await store.get(key))?.length,
  clear: () => store.clear(),
  later: async (ms: number) => void (clockMs += ms),
  lost: async () => lost,
  close: () => store.close(),
  /** Mines a block. @returns the height */
  async mine() {
    const on = await (chain ??= openChain(store, chainMs));
    await mine(on, person(1), 1);
    return on.head().header.height;
  },
  height: async () => (await chain!).head().header.height,
};
export type Calls = typeof CALLS;

process.on('message', ({ id, call, args }: { id: number; call: keyof Calls; args: never[] }) => {
  const run = CALLS[call] as (...args: never[]) => Promise<unknown>;
  run(...args).then(
    (value) => process.send!({ id, value }),
    (e: unknown) => process.send!({ id, code: AppError.from(e).code, message: String(e) }),
  );
});
process.send!({ id: 0 });
