import { describe, expect, it } from 'vitest';
import {
  decodeAnswer,
  differenceAt,
  encodeAnswer,
  paidAnswerOf,
  requireSaid,
  saidOf,
} from '../../../src/client/prepaid/paid-answer.ts';
import type { Said } from '../../../src/client/prepaid/paid-answer.ts';
import { filled, GENESIS, keptAnswer } from './answers.ts';

const forged = expect.objectContaining({ code: 'ANSWER_FORGED' }) as Error;

describe('a shared answer', () => {
  const answer = keptAnswer(7);
  const shared = encodeAnswer(GENESIS, answer);

  it('is read without a key of its asker', () => {
    const read = decodeAnswer(GENESIS, shared);
    expect(read.receipt).toEqual(answer.receipt);
    expect(encodeAnswer(GENESIS, read)).toEqual(shared);
  });

  it('is of one network', () => {
    expect(() => decodeAnswer(filled(9), shared)).toThrow(
      expect.objectContaining({ code: 'ANSWER_FOREIGN' }) as Error,
    );
  });

  it('that is cut, longer, or of another form is none', () => {
    const malformed = expect.objectContaining({ code: 'ANSWER_MALFORMED' }) as Error;
    const broken = [
      shared.subarray(0, -1),
      Uint8Array.of(...shared, 0),
      Uint8Array.of(2, ...shared.subarray(1)),
      new Uint8Array(),
    ];
    for (const bytes of broken) expect(() => decodeAnswer(GENESIS, bytes)).toThrow(malformed);
  });

  it('counts as said only with the very question, answer, receipt, and key that were signed', () => {
    requireSaid(GENESIS, answer);
    const changes: Partial<Said>[] = [
      { provider: filled(5) },
      { signature: filled(5, 64) },
      { salt: filled(5) },
      { options: filled(5, 2) },
      { input: filled(5, 2) },
      { answer: filled(5, 2) },
      { receipt: { ...answer.receipt, total: 701n } },
      { receipt: { ...answer.receipt, n: 8 } },
      { receipt: { ...answer.receipt, channel: filled(5) } },
      { receipt: { ...answer.receipt, model: filled(5) } },
    ];
    for (const change of changes)
      expect(() => requireSaid(GENESIS, { ...answer, ...change })).toThrow(forged);
  });

  it('that a caller holds is what its receipt names', () => {
    const told = paidAnswerOf(answer);
    expect(saidOf(told).receipt).toEqual(answer.receipt);
    const changes = [
      { n: 8 },
      { model: filled(5) },
      { channel: filled(5) },
      { receipt: told.receipt.subarray(1) },
    ];
    for (const change of changes) expect(() => saidOf({ ...told, ...change })).toThrow(forged);
  });
});

describe('an answer beside what the model gives', () => {
  const right = Uint8Array.of(1, 2, 3, 4);
  it.each([
    [[1, 2, 3, 4], undefined],
    // Stopped before its end.
    [[1, 2], undefined],
    [[], undefined],
    [[1, 9, 3, 4], 1],
    [[1, 2, 3, 4, 5], 4],
  ])('%j differs at %s', (answer, at) => {
    expect(differenceAt(Uint8Array.from(answer), right)).toBe(at);
  });
});
