import { expect, test } from 'vitest';
import {
  describeFault,
  fault,
  firstFault,
  inBlock,
  isFault,
  PENALTY,
  penaltyOf,
} from '../../src/core/faults.ts';

test('the first fault that is not switched off is the verdict, and stops the rules', () => {
  const ran: string[] = [];
  function* rules() {
    yield fault('tx.nonce');
    ran.push('after nonce');
    yield fault('tx.balance', { has: 1n });
    ran.push('after balance');
  }
  expect(firstFault(new Set(), rules())?.fault).toBe('tx.nonce');
  expect(ran).toEqual([]);
  expect(firstFault(new Set(['tx.nonce'] as const), rules())?.fault).toBe('tx.balance');
  expect(ran).toEqual(['after nonce']);
  expect(firstFault(new Set(['tx.nonce', 'tx.balance'] as const), rules())).toBeUndefined();
});

test('texts and types', () => {
  expect(describeFault(fault('tx.balance', { has: 1n, spent: 2n }))).toBe(
    'tx.balance has=1 spent=2',
  );
  expect(isFault(fault('tx.nonce'))).toBe(true);
  for (const x of [undefined, null, 3, {}, { fault: 1 }]) expect(isFault(x)).toBe(false);
  for (const penalty of Object.values(PENALTY))
    expect(penalty >= 0 && penalty <= 100 && Number.isInteger(penalty)).toBe(true);
});

test('what a light check cannot see costs its relayer little, what it can see all', () => {
  const unseen = ['header.state-root', 'header.job', 'header.known-invalid'] as const;
  const replay = ['proof.activations', 'proof.transcript', 'proof.earlier-winner'] as const;
  for (const code of [...unseen, ...replay]) expect(penaltyOf(fault(code))).toBe(10);
  for (const code of ['tx.signature', 'tx.balance', 'tx.result-answer'] as const)
    expect(penaltyOf(inBlock(fault(code), 0))).toBe(10);
  for (const code of ['proof.target', 'proof.digest', 'header.bits', 'body.size'] as const)
    expect(penaltyOf(fault(code))).toBe(100);
});
