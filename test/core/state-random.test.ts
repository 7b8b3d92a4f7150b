import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from '../../src/lib/bytes.ts';
import { EMPTY_TREE, treeEntries, treeRoot, treeSet } from '../../src/core/tree/tree.ts';
import { paramsOf } from './fixtures.ts';
import { Ledger } from './ledger.ts';
import { addBlock, context, step } from './random-chain.ts';
import { Oracle } from '../oracle/naive-state.ts';

function checkAgainst(ledger: Ledger, oracle: Oracle): void {
  const leaves = [...treeEntries(ledger.tree)].map((e) => [toHex(e.key), toHex(e.value)]);
  const expected = [...oracle.leaves()].map(([key, value]) => [key, toHex(value)]);
  expect(leaves).toEqual(expected.sort(([a], [b]) => (a! < b! ? -1 : 1)));
  expect(oracle.coins()).toBe(oracle.issued - oracle.burned);
  expect([ledger.coins(), ledger.burned]).toEqual([oracle.coins(), oracle.burned]);
}

test('any blocks and reorganisations give the naive state, conserve coins, and can be undone', () => {
  const seen = { undone: 0, txs: 0, opened: 0, closed: 0, ended: 0, emptied: 0, burned: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 50 }), (steps) => {
      const ledger = new Ledger(paramsOf(), context);
      let past = [new Oracle()];
      for (const s of steps) {
        if ('undo' in s) {
          for (let i = 0; i < s.undo && ledger.height; i++) {
            ledger.undo();
            past = past.slice(0, -1);
            seen.undone++;
          }
        } else {
          for (let i = 0; i < ('skip' in s ? s.skip : 1); i++) {
            const oracle = past.at(-1)!.copy();
            const before = Object.keys(oracle.channels);
            const due = (oracle.ending[oracle.height + 1] ?? []).map(toHex);
            addBlock(ledger, oracle, 'skip' in s ? 0 : s.miner, 'skip' in s ? [] : s.body);
            const now = Object.keys(oracle.channels);
            seen.opened += now.filter((one) => !before.includes(one)).length;
            seen.ended += due.length;
            seen.closed += before.filter((one) => !now.includes(one) && !due.includes(one)).length;
            const gone = Object.keys(past.at(-1)!.accounts);
            seen.emptied += gone.filter((one) => !(one in oracle.accounts)).length;
            seen.burned += Number(oracle.burned > past.at(-1)!.burned);
            seen.txs += 'skip' in s ? 0 : s.body.length;
            past.push(oracle);
          }
        }
        checkAgainst(ledger, past.at(-1)!);
      }
      // The root depends on the leaves alone, not on how they came to be.
      const rebuilt = [...treeEntries(ledger.tree)].reduceRight(
        (tree, e) => treeSet(tree, e.key, e.value),
        EMPTY_TREE,
      );
      expect(treeRoot(ledger.tree)).toEqual(treeRoot(rebuilt));
    }),
    { numRuns: 24, seed: 1 },
  );
  // The run is worth its time only if it went through every fate of a channel.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(8);
});
