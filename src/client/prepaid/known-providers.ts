/** What this device remembers of providers: what it paid them, where they were met, and whom it asks no more. */
import {
  blob,
  encode,
  hash32,
  struct,
  tryDecode,
  u48,
  u64,
  u8,
  type Value,
} from '../../core/codec.ts';
import type { Store } from '../../chain/store/store.ts';
import { equal, toHex, utf8 } from '../../lib/bytes.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { Distrusted } from '../api.ts';

/** Providers remembered. Whoever is asked no more is forgotten last, else the one met longest ago. */
export const KNOWN_MAX = 512;
const CHANGES_MAX = 128;

const Known = struct({
  provider: hash32,
  /** nV vouched for in channels that are over. */
  paid: u64,
  /** The last channel that counts in `paid`: it counts once, also where the process died meanwhile. */
  counted: hash32,
  /** libp2p's peer id, as text. */
  peer: blob(128),
  /** Index in REASONS. */
  distrust: u8,
  timeMs: u48,
});
type Known = Value<typeof Known>;

const REASONS = [undefined, 'PROVIDER_FALSE', 'ANSWER_FALSE'] as const;
export type DistrustReason = NonNullable<(typeof REASONS)[number]>;

export interface KnownProviders {
  paid(provider: Uint8Array): bigint;
  /** Where it was when a channel with it was last used. */
  peer(provider: Uint8Array): string | undefined;
  isDistrusted(provider: Uint8Array): boolean;
  /** The newest first. */
  distrusted(): Distrusted[];
  met(provider: Uint8Array, peer: string): Promise<void>;
  distrust(provider: Uint8Array, reason: DistrustReason): Promise<void>;
  /** A channel is over in which so much was vouched for. */
  addPaid(provider: Uint8Array, channel: Uint8Array, amount: bigint): Promise<void>;
}

export async function openKnownProviders(
  store: Pick<Store, 'batch' | 'range'>,
  nowMs: () => number,
): Promise<KnownProviders> {
  const known = new Map<string, Known>();
  for (const { value } of await store.range('prepaid/known/', 'prepaid/known0', KNOWN_MAX)) {
    const one = tryDecode(Known, value);
    if (one) known.set(toHex(one.provider), one);
  }
  const queue = new SerialQueue(CHANGES_MAX, 'BUSY');
  const keyOf = (name: string): string => `prepaid/known/${name}`;
  const of = (provider: Uint8Array): Known | undefined => known.get(toHex(provider));

  const change = (provider: Uint8Array, to: (before: Known) => Partial<Known>): Promise<void> =>
    queue.run(async () => {
      const name = toHex(provider);
      const before = known.get(name) ?? { ...NOBODY, provider };
      const after = { ...before, timeMs: nowMs(), ...to(before) };
      const gone = known.has(name) || known.size < KNOWN_MAX ? undefined : leastOf(known);
      await store.batch([
        ...(gone === undefined ? [] : [{ key: keyOf(gone), value: undefined }]),
        { key: keyOf(name), value: encode(Known, after) },
      ]);
      if (gone !== undefined) known.delete(gone);
      known.set(name, after);
    });

  return {
    paid: (provider) => of(provider)?.paid ?? 0n,
    peer(provider) {
      const peer = of(provider)?.peer;
      return peer?.length ? new TextDecoder().decode(peer) : undefined;
    },
    isDistrusted: (provider) => Boolean(of(provider)?.distrust),
    distrusted: () =>
      [...known.values()]
        .flatMap(({ provider: key, distrust, timeMs }) => {
          const code = REASONS[distrust];
          return code ? [{ key, code, timeMs }] : [];
        })
        .sort((a, b) => b.timeMs - a.timeMs),
    met: (provider, peer) => change(provider, () => ({ peer: utf8(peer).subarray(0, 128) })),
    distrust: (provider, reason) => change(provider, () => ({ distrust: REASONS.indexOf(reason) })),
    addPaid: (provider, channel, amount) =>
      change(provider, ({ paid, counted }) =>
        equal(counted, channel) ? {} : { paid: paid + amount, counted: channel },
      ),
  };
}

const NOBODY = {
  paid: 0n,
  counted: new Uint8Array(32),
  peer: new Uint8Array(),
  distrust: 0,
  timeMs: 0,
};

function leastOf(known: ReadonlyMap<string, Known>): string {
  const rank = ({ distrust, timeMs }: Known): number => (distrust ? 2 ** 48 : 0) + timeMs;
  const [first, ...others] = [...known];
  return others.reduce((least, each) => (rank(each[1]) < rank(least[1]) ? each : least), first!)[0];
}
