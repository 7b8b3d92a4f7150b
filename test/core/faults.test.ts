import { expect, test } from 'vitest';
import {
  blames,
  describeFault,
  fault,
  FAULTS,
  inBlock,
  isFault,
  isFinal,
  penaltyOf,
  type FaultCode,
} from '../../src/core/faults.ts';
import { Rules } from '../../src/core/rules.ts';

test('the first fault of a rule in force is the verdict, and stops the rules', () => {
  const ran: string[] = [];
  function* rules() {
    yield fault('tx.nonce');
    ran.push('after nonce');
    yield fault('tx.balance', { has: 1n });
    ran.push('after balance');
  }
  expect(Rules.all.first(rules())?.fault).toBe('tx.nonce');
  expect(ran).toEqual([]);
  expect(Rules.all.without('tx.nonce').first(rules())?.fault).toBe('tx.balance');
  expect(ran).toEqual(['after nonce']);
  const neither = Rules.all.without('tx.nonce').without('tx.balance');
  expect(neither.first(rules())).toBeUndefined();
  expect(neither.first([undefined, fault('tx.amount')])?.fault).toBe('tx.amount');
});

test('texts and types', () => {
  expect(describeFault(fault('tx.balance', { has: 1n, spent: 2n }))).toBe(
    'tx.balance has=1 spent=2',
  );
  expect(describeFault(inBlock(fault('tx.nonce', { has: 3 }), 4))).toBe('tx.nonce has=3 index=4');
  expect(isFault(fault('tx.nonce'))).toBe(true);
  for (const x of [undefined, null, 3, {}, { fault: 1 }]) expect(isFault(x)).toBe(false);
  for (const { penalty } of Object.values(FAULTS))
    expect(penalty >= 0 && penalty <= 100 && Number.isInteger(penalty)).toBe(true);
});

test('what a light check cannot see costs its relayer little, what it can see all', () => {
  const unseen = ['header.state-root', 'header.known-invalid'] as const;
  const replay = ['proof.activations', 'proof.transcript', 'proof.earlier-winner'] as const;
  for (const code of [...unseen, ...replay]) expect(penaltyOf(fault(code))).toBe(10);
  for (const code of ['tx.signature', 'tx.balance', 'tx.close-voucher'] as const)
    expect(penaltyOf(inBlock(fault(code), 0))).toBe(10);
  for (const code of ['proof.target', 'proof.digest', 'header.slip', 'body.size'] as const)
    expect(penaltyOf(fault(code))).toBe(100);
});

test('what depends on who judges costs nothing alone, and as much as all else in a block', () => {
  const views = CODES.filter((code) => FAULTS[code].dependsOn === 'view');
  expect(views).toEqual(expect.arrayContaining(['tx.expiry-far', 'tx.overflow', 'tx.nonce']));
  for (const code of views) expect(penaltyOf(fault(code))).toBe(0);
  for (const code of CODES.filter((one) => one.startsWith('tx.')))
    expect(penaltyOf(inBlock(fault(code), 0))).toBe(10);
});

const CODES = Object.keys(FAULTS) as FaultCode[];
const codesWhere = (holds: (code: FaultCode) => boolean): string[] => CODES.filter(holds).sort();

test('what the id of a block is bound to blames the block, all else who sent it or nobody', () => {
  const blamed = (who: ReturnType<typeof blames>) => codesWhere((c) => blames(fault(c)) === who);
  const starts = (prefix: string) => codesWhere((code) => code.startsWith(prefix));

  expect(blamed('nobody')).toEqual([
    'header.parent-unknown',
    'header.time-future',
    'header.too-soon',
    'sync.unplaced',
    'tx.fee-low',
    'tx.known',
    'tx.pool-full',
    'tx.unjudged',
    'wire.newer',
  ]);
  expect(blamed('body')).toEqual(starts('body.'));
  const replay = ['proof.activations', 'proof.earlier-winner', 'proof.transcript'];
  const own = [...starts('header.'), ...starts('tx.'), ...replay].filter(
    (code) => !blamed('nobody').includes(code),
  );
  expect(blamed('block')).toEqual(own.sort());
  const light = starts('proof.').filter((code) => !replay.includes(code));
  const sent = ['offer.', 'state.', 'wire.'].flatMap(starts).filter((c) => c !== 'wire.newer');
  expect(blamed('sender')).toEqual([...sent, ...light].sort());
});

test('what no later block makes good is final; what time or another transaction does passes', () => {
  expect(codesWhere((code) => isFinal(fault(code)))).toEqual([
    'tx.amount',
    'tx.chain',
    'tx.channel-lifetime',
    'tx.channel-limit',
    'tx.close-amount',
    'tx.close-fee',
    'tx.close-nonce',
    'tx.close-provider',
    'tx.close-voucher',
    'tx.signature',
  ]);
});
