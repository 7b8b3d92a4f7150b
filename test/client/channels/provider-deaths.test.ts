/**
 * A provider over real blocks whose process dies again and again, before a write or after it: whatever was the last,
 * the answer is whole, nothing is paid twice, what was not spent comes back, and nobody gets more than a step for
 * nothing.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import { unitsOf } from '../../../src/client/channels/asker-record.ts';
import { costOf, stepOf } from '../../../src/core/price.ts';
import { concat } from '../../../src/lib/bytes.ts';
import { bytesFromTokens } from '../../../src/core/reading.ts';
import { person } from '../../chain/make-blocks.ts';
import { ann, bob, Customer, openingOf, richChain, rowsOf, Shop, tokenAt, wait } from './shop.ts';

vi.setConfig({ testTimeout: 300_000 });

const FEE = 2_000n;
const until = (is: () => boolean) => expect.poll(is, { ...wait, timeout: 60_000 }).toBe(true);

/** When a process dies: once so many writes were done, and whether the next one was still done. */
const death = fc.record({ writes: fc.nat(9), isDone: fc.boolean() });
/** Rows of an encoder, or tokens. */
const question = fc.oneof(
  fc.record({ kind: fc.constant('rows' as const), most: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant('tokens' as const), most: fc.integer({ min: 1, max: 80 }) }),
);
type Question = typeof question extends fc.Arbitrary<infer Q> ? Q : never;

interface Power {
  readonly store: Store;
  isGone: boolean;
}

function powered(store: Store, death?: { writes: number; isDone: boolean }): Power {
  let left = death?.writes ?? Infinity;
  const power: Power = {
    isGone: false,
    store: {
      ...store,
      async batch(...given) {
        if (--left >= 0 || (left === -1 && death?.isDone)) await store.batch(...given);
        power.isGone ||= left < 0;
        if (power.isGone) throw new Error('the power is gone');
      },
    },
  };
  return power;
}

const full = await richChain(12);
let channels = 0;

/** Another channel of Ann's, deep enough for all that is paid in it. */
async function opened(): Promise<Customer> {
  const n = channels++;
  const signer = person(90 + n);
  const opening = openingOf(n, { signer: signer.xonly });
  await full.addTx(opening);
  const shop = await Shop.open(full);
  await shop.mine(5);
  return new Customer(shop.chain, opening, `asker ${n}`, signer);
}

const ask = (asker: Customer, { kind, most }: Question): Promise<void> => {
  const input = Array.from({ length: kind === 'rows' ? most : 3 }, (_, i) => i + 1);
  return kind === 'rows' ? asker.ask(input) : asker.talk(input, most);
};
const right = ({ kind, most }: Question): Uint8Array =>
  kind === 'rows'
    ? concat(...rowsOf(Uint8Array.from({ length: most }, (_, i) => i + 1)))
    : bytesFromTokens(Array.from({ length: most }, (_, place) => tokenAt([1, 2, 3], place)));

/** Comes to one process after the other, each of which dies, then to one that lives. */
async function through(
  deaths: readonly { writes: number; isDone: boolean }[],
  asker: Customer,
  asked: Question,
  isOver: () => boolean,
): Promise<Store> {
  const kept = createMemoryStore();
  let isAsked = false;
  for (const one of [...deaths, undefined]) {
    const power = powered(kept, one);
    const shop = await Shop.open(full, { store: power.store });
    await asker.visit(shop);
    if (!isAsked) await ask(asker, asked);
    isAsked = true;
    await until(() => isOver() || power.isGone);
    if (!one) return kept;
    asker.current!.cut();
  }
  throw new Error('the last one lives');
}

const balances = () => [
  full.account(ann.address)?.balance ?? 0n,
  full.account(bob.address)?.balance ?? 0n,
];

test('is paid once for what it gave, and what was not spent comes back', async () => {
  const deaths = fc.array(death, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(question, deaths, fc.option(death), async (asked, all, last) => {
      const asker = await opened();
      const [before, earned] = balances();
      const kept = await through(all, asker, asked, () => asker.answers.length === 1);
      expect(asker.answers).toEqual([right(asked)]);
      const cost = costOf(
        { price: asker.record.current!.question.price, read: asker.record.current!.read },
        asked.most,
      );
      expect(asker.record.vouched).toBe(cost);
      // The close too is a write that one may die at.
      const closes = () => full.mempool.byFee().filter(({ tx }) => tx.type === 'close').length;
      for (const one of [...(last ? [last] : []), undefined]) {
        asker.current!.cut();
        const power = powered(kept, one);
        const shop = await Shop.open(full, { store: power.store });
        await asker.visit(shop);
        await asker.enter({ type: 'close' });
        await shop.onHead();
        await until(() => closes() > 0 || power.isGone);
      }
      expect(closes()).toBe(1);
      const shop = await Shop.open(full, { store: kept });
      await shop.mine(2);
      const { limit } = asker.opening.tx;
      expect(balances()).toEqual([before! + limit - cost, earned! + cost - FEE]);
    }),
    { numRuns: 12, endOnFailure: true },
  );
});

test('gives no more than a step to who never pays, however often it dies', async () => {
  const deaths = fc.array(death, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(question, deaths, async (asked, all) => {
      const asker = await opened();
      asker.pays = false;
      let seen = 0;
      const step = (): number => {
        const { current } = asker.record;
        if (current) seen = Math.max(seen, unitsOf(current));
        return current ? Math.min(asked.most, stepOf(current.question.price)) : Infinity;
      };
      await through(all, asker, asked, () => seen >= step());
      await asker.current!.toProvider.idle();
      step();
      expect(seen).toBe(step());
    }),
    { numRuns: 8, endOnFailure: true },
  );
});
