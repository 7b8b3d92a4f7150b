/** Prices that were told lately: an asker may pay what it heard, also when the provider has begun anew since. */
import type { Store } from '../../chain/store/store.ts';
import { encode, list, struct, tryDecode, u48, type Value } from '../../core/codec.ts';
import { Price } from '../../core/price.ts';
import { toHex } from '../../lib/bytes.ts';
import { OFFER_AGE_MS_MAX } from '../channels/offer-book.ts';

/** Prices that are remembered of one model: of ten minutes, one each minute, and of some changes by hand. */
const TOLD_MAX = 32;
/** Models of which prices are read at the start: more than a network admits. */
const MODELS_MAX = 256;
const PREFIX = 'channels/told';

const Told = list(struct({ price: Price, atMs: u48 }), TOLD_MAX);
type Told = Value<typeof Told>;

export interface ToldPrices {
  /** Counts at once; resolves when it is kept. @throws AppError STORE_FULL, STORE_FAILED, STORE_CLOSED */
  tell(model: Uint8Array, price: Price, nowMs: number): Promise<void>;
  /** The lowest of the last ten minutes; undefined where none was told. */
  least(model: Uint8Array, nowMs: number): Price | undefined;
}

export async function openToldPrices(store: Pick<Store, 'batch' | 'range'>): Promise<ToldPrices> {
  const keyOf = (model: Uint8Array): string => `${PREFIX}/${toHex(model)}`;
  const all = new Map<string, Told>();
  for (const { key, value } of await store.range(`${PREFIX}/`, `${PREFIX}0`, MODELS_MAX)) {
    const kept = tryDecode(Told, value);
    if (kept) all.set(key, kept);
  }
  const lately = (key: string, nowMs: number): Told =>
    (all.get(key) ?? []).filter(({ atMs }) => nowMs - atMs <= OFFER_AGE_MS_MAX);

  return {
    async tell(model, price, nowMs) {
      const key = keyOf(model);
      const told = [...lately(key, nowMs), { price, atMs: nowMs }].slice(-TOLD_MAX);
      all.set(key, told);
      await store.batch([{ key, value: encode(Told, told) }]);
    },
    least(model, nowMs) {
      const prices = lately(keyOf(model), nowMs).map(({ price }) => price);
      return prices.length ? prices.reduce((a, b) => (b.amount < a.amount ? b : a)) : undefined;
    },
  };
}
