/** An answer beside what others gave to the same question: what it is worth, and how many are asked. */
import { describe, expect, it } from 'vitest';
import type { ModelInfo, PaidAnswer, Provider } from '../../../src/client/api.ts';
import { TRIES_MAX } from '../../../src/client/prepaid/buying.ts';
import { paidAnswerOf } from '../../../src/client/prepaid/paid-answer.ts';
import {
  askOthers,
  conclusionOf,
  opinionOf,
  opinionsOn,
  takesWhole,
} from '../../../src/client/prepaid/second-opinion.ts';
import { bytesFromTokens } from '../../../src/core/reading.ts';
import { AppError } from '../../../src/lib/errors.ts';
import type { ErrorCode } from '../../../src/lib/error-codes.ts';
import { PROVIDER as SHOWN, WRITER } from '../../ui/memory-engine.ts';
import { filled, keptAnswer } from './answers.ts';

const ROWS: Pick<ModelInfo, 'kind'> = { kind: 'encoder' };
const WORDS: Pick<ModelInfo, 'kind'> = { kind: 'generator' };
const INPUT = Uint8Array.of(7, 7);
/** By one provider, known by a number. */
const by = (who: number, answer: Uint8Array, more: Partial<PaidAnswer> = {}): PaidAnswer => ({
  ...paidAnswerOf(keptAnswer(who, { input: INPUT, answer })),
  provider: filled(who),
  ...more,
});
const tokens = (...ids: number[]) => bytesFromTokens(ids);
const TRUE = tokens(5, 6, 7);
const FALSE = tokens(5, 9, 7);
const provider = (who: number): Provider => ({ ...SHOWN, key: filled(who) });

describe('another answer to the same question', () => {
  it('is equal, or names the first token that differs, or ends before', () => {
    const checks = [TRUE, FALSE, tokens(5, 6), tokens(5, 6, 7, 8)].map(
      (answer) => opinionOf(by(1, TRUE), by(2, answer), WORDS).check,
    );
    expect(checks).toEqual([
      { isEqual: true, at: undefined },
      { isEqual: false, at: 1, token: 9 },
      { isEqual: false, at: 2, token: undefined },
      // The first was stopped there.
      { isEqual: true, at: undefined },
    ]);
    const rows = opinionOf(by(1, Uint8Array.of(1, 2)), by(2, Uint8Array.of(1, 3)), ROWS);
    expect(rows.check).toEqual({ isEqual: false, at: 1 });
  });

  it('is of the very model, input and options, by another one, the newest of each', () => {
    const answer = by(1, TRUE);
    const kept = [
      by(2, TRUE),
      by(2, FALSE),
      by(1, FALSE),
      by(3, FALSE, { model: filled(9) }),
      by(4, FALSE, { input: Uint8Array.of(7) }),
      by(5, FALSE, { options: Uint8Array.of(1) }),
      by(6, new Uint8Array()),
      answer,
    ];
    const opinions = opinionsOn(answer, kept, WORDS);
    expect(opinions.map(({ other }) => other)).toEqual([kept[0]]);
  });

  it('concludes where one is the same, or two others are alike; one word against another is open', () => {
    const of = (...answers: Uint8Array[]) =>
      conclusionOf(answers.map((answer, i) => opinionOf(by(1, TRUE), by(2 + i, answer), WORDS)));
    expect(of()).toBeUndefined();
    expect(of(FALSE)).toBeUndefined();
    expect(of(FALSE, tokens(1))).toBeUndefined();
    expect(of(FALSE, TRUE)).toMatchObject({ isEqual: true, by: [{ other: by(3, TRUE) }] });
    expect(of(FALSE, tokens(1), FALSE)).toMatchObject({
      isEqual: false,
      by: [{ check: { at: 1, token: 9 } }, { check: { at: 1, token: 9 } }],
    });
  });

  it('is asked of whom question and answer fit: a shorter one would seem another', () => {
    const input = new Uint8Array(2 * 20).fill(1);
    const takes = (window: number) => takesWhole({ window }, { input, units: 12 }, WRITER);
    expect([takes(31), takes(32)]).toEqual([false, true]);
  });
});

describe('others are asked', () => {
  const answer = by(1, TRUE);
  /** What each provider gives, in their order. */
  function asking(given: readonly (Uint8Array | ErrorCode)[]) {
    const asked: Provider[] = [];
    const failures: string[] = [];
    const others = askOthers({
      opinions: [],
      next: async (tried) => (tried.length < given.length ? provider(2 + tried.length) : undefined),
      async ask(one) {
        const gives = given[asked.push(one) - 1]!;
        if (typeof gives === 'string') throw new AppError(gives, 'it gave nothing');
        return opinionOf(answer, by(one.key[0]!, gives), WORDS);
      },
      onFailed: (_, { code }) => failures.push(code),
    });
    return { others, asked, failures };
  }

  it('one after the other, until one gives the same', async () => {
    const { others, asked } = asking([FALSE, TRUE, TRUE]);
    expect(conclusionOf(await others)).toMatchObject({ isEqual: true });
    expect(asked).toHaveLength(2);
  });

  it('the next one where one is away, silent or lies about its receipt, and each is told', async () => {
    const { others, failures } = asking(['PROVIDER_GONE', 'PROVIDER_FALSE', TRUE]);
    expect(conclusionOf(await others)).toMatchObject({ isEqual: true });
    expect(failures).toEqual(['PROVIDER_GONE', 'PROVIDER_FALSE']);
  });

  it('three at most, whoever they are', async () => {
    const lies = Array.from({ length: TRIES_MAX + 2 }, (_, i) => tokens(i));
    const { others, asked } = asking(lies);
    expect(conclusionOf(await others)).toBeUndefined();
    expect(asked).toHaveLength(TRIES_MAX);
    const gone = asking(lies.map(() => 'PROVIDER_GONE'));
    await expect(gone.others).rejects.toMatchObject({ code: 'PROVIDER_GONE' });
    expect(gone.asked).toHaveLength(TRIES_MAX);
  });

  it('no further where it is nobody’s fault but ours, or there is nobody else', async () => {
    const full = asking(['STORE_FULL', TRUE]);
    await expect(full.others).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(full.asked).toHaveLength(1);
    await expect(asking([]).others).rejects.toMatchObject({ code: 'MODEL_UNOFFERED' });
  });
});
