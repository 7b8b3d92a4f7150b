/** What askers have paid this provider in channels that are closed: their credit in the next one (protocol.md §9.1). */
import type { Put, Store } from '../../chain/store/store.ts';
import { encode, hash32, struct, tryDecode, u32, u64, type Value } from '../../core/codec.ts';
import { toHex } from '../../lib/bytes.ts';
import { PAID_FOR_CREDIT } from '../channels/terms.ts';

/** Askers kept: whoever has paid least goes first. */
export const PAYERS_MAX = 4096;
const PREFIX = 'channels/payers';
const U64_MAX = (1n << 64n) - 1n;

const Payer = struct({ asker: hash32, paid: u64, channels: u32 });
type Payer = Value<typeof Payer>;

export interface PayerBook {
  /** nV that closes of this address's channels have paid here, without what its debts count against it. */
  paidBy(asker: Uint8Array): bigint;
  /**
   * A channel is over. @param owed nV that was delivered in it and not vouched for
   * @param end of its record, written with it: so it counts once @throws AppError STORE_FAILED, STORE_CLOSED
   */
  add(asker: Uint8Array, amount: bigint, owed: bigint, end: readonly Put[]): Promise<void>;
}

/** nV of what was paid that still stands for credit. */
export const lessDebts = (paid: bigint, owed: bigint): bigint => {
  const against = PAID_FOR_CREDIT * owed;
  return paid > against ? paid - against : 0n;
};

export async function openPayerBook(store: Pick<Store, 'batch' | 'range'>): Promise<PayerBook> {
  const keyOf = (asker: Uint8Array): string => `${PREFIX}/${toHex(asker)}`;
  const payers = new Map<string, Payer>();
  for (const { key, value } of await store.range(`${PREFIX}/`, `${PREFIX}0`, PAYERS_MAX)) {
    const payer = tryDecode(Payer, value);
    if (payer) payers.set(key, payer);
  }

  const least = (): string =>
    [...payers].reduce((poorest, each) => (each[1].paid < poorest[1].paid ? each : poorest))[0];

  return {
    paidBy: (asker) => payers.get(keyOf(asker))?.paid ?? 0n,

    async add(asker, amount, owed, end) {
      const key = keyOf(asker);
      const { paid = 0n, channels = 0 } = payers.get(key) ?? {};
      const sum = lessDebts(paid + amount, owed);
      // Whoever never paid would put out those who did.
      if (sum === paid) return store.batch(end, true);
      const payer = { asker, paid: sum < U64_MAX ? sum : U64_MAX, channels: channels + 1 };
      const gone = !payers.has(key) && payers.size >= PAYERS_MAX ? least() : undefined;
      const puts = [...end, { key, value: encode(Payer, payer) }];
      await store.batch(gone ? [...puts, { key: gone, value: undefined }] : puts, true);
      payers.set(key, payer);
      if (gone) payers.delete(gone);
    },
  };
}
