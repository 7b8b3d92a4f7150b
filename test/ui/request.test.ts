/** Asking on the screen: what is checked before the vault, and how answers are told. */
import { describe, expect, it } from 'vitest';
import type { ModelInfo } from '../../src/client/api.ts';
import { utf8 } from '../../src/lib/bytes.ts';
import {
  asksTheSame,
  checkAsk,
  formatSpan,
  labelText,
  LIFETIMES,
  likeness,
  readableText,
  rowsOf,
  shownTexts,
  stageOf,
  typedTexts,
} from '../../src/ui/ask/request.ts';
import { Asks } from '../../src/ui/ask/asks.svelte.ts';
import { Session } from '../../src/ui/session.svelte.ts';
import { buildRequest } from '../../src/wallet/build.ts';
import { ANSWER, FULL_VAULT, LINGUA, MemoryEngine, RECEIPT } from './memory-engine.ts';

const VOLT = 10n ** 9n;
const FEE = 10_000n;
const limits = { locale: 'en', spendable: 2n * VOLT, fee: FEE };
const form = (reward: string) => ({ reward, lifetime: 120 });
const WORDS: ModelInfo = {
  ...LINGUA,
  name: 'words',
  packing: 'u16',
  labels: [],
  tokenizerBytes: 9,
  inputBytesMax: 12,
  sequenceBytes: 4,
  answerSize: 2,
};

describe('a question', () => {
  it('has an input that is there, and fits the model', () => {
    const faultOf = (input?: Uint8Array) => checkAsk(form('1'), input, LINGUA, limits).faults.input;
    expect(faultOf(new Uint8Array())).toBe('inputMissing');
    expect(faultOf(undefined)).toBe('inputLong');
    expect(faultOf(utf8('hi'))).toBeUndefined();
  });

  it('has a text in each line for a model of words, and one of all lines else', () => {
    expect(typedTexts('one\n\n  \ntwo ', WORDS)).toEqual(['one', 'two ']);
    expect(typedTexts('one\n\ntwo', LINGUA)).toEqual(['one\n\ntwo']);
  });

  it('offers a reward from 0 to what fee and balance leave', () => {
    const rewardOf = (text: string) => checkAsk(form(text), utf8('hi'), LINGUA, limits);
    expect(rewardOf('0').ask!.reward).toBe(0n);
    expect(rewardOf('1.99999').ask!.reward).toBe(2n * VOLT - FEE);
    expect(rewardOf('1.999990001').faults).toEqual({ reward: 'rewardOver' });
    expect(rewardOf('1,5').faults).toEqual({ reward: 'rewardMalformed' });
    expect(rewardOf('-1').faults).toEqual({ reward: 'rewardMalformed' });
  });

  it('is signed only if the vault reads every field as it was meant', async () => {
    const { ask } = checkAsk(form('1'), utf8('hi'), LINGUA, limits);
    const base = { chainId: 3, from: FULL_VAULT.publicKey!, nonce: 3, expiry: 99, fee: FEE };
    const read = await new MemoryEngine().vault.describe(buildRequest(base, ask!));
    expect(asksTheSame(read, ask!, FEE)).toBe(true);
    const others = [
      { ...ask!, reward: 2n },
      { ...ask!, lifetime: LIFETIMES[0] },
      { ...ask!, input: utf8('ho') },
      { ...ask!, modelId: new Uint8Array(32) },
    ];
    for (const other of others) expect(asksTheSame(read, other, FEE)).toBe(false);
    expect(asksTheSame(read, ask!, FEE + 1n)).toBe(false);
  });
});

describe('an answer', () => {
  it('is told as labels by score, one row for each part of the text', () => {
    const [row, ...more] = rowsOf(ANSWER, RECEIPT.input, LINGUA)!;
    expect(more).toEqual([]);
    expect(row!.scores.slice(0, 2)).toEqual([
      { label: 'it', score: 47 },
      { label: 'es', score: 19 },
    ]);
    expect(row!.reading).toMatchObject({ best: 'it', label: 'it' });
    expect(row!.reading!.confidence).toBeCloseTo(0.955, 2);
    const model = { ...LINGUA, inputBytesMax: 8, sequenceBytes: 4, answerSize: 2, labels: ['a'] };
    const two = rowsOf(Uint8Array.of(1, 2, 200, 200), utf8('abcdef'), model)!;
    expect(two.map(({ text }) => text)).toEqual(['abcd', 'ef']);
    // Of equals the first is the model's choice; a value without a label has its number.
    expect(two[1]!.scores).toEqual([
      { label: 'a', score: -56 },
      { label: '1', score: -56 },
    ]);
    expect(rowsOf(Uint8Array.of(1), RECEIPT.input, LINGUA)).toBeUndefined();
    expect(rowsOf(ANSWER, new Uint8Array(), LINGUA)).toHaveLength(1);
  });

  it('without labels is an embedding with the factor that makes it one long', () => {
    const rows = rowsOf(Uint8Array.of(3, 252, 127, 0, 0, 0), new Uint8Array(8), WORDS, ['a'])!;
    expect(rows.map(({ text }) => text)).toEqual(['a', '']);
    expect(rows[0]!.scores).toEqual([]);
    expect(rows[0]!.embedding).toEqual({ values: Int8Array.of(3, -4), scale: 0.2 });
    expect(rows[1]!.embedding!.scale).toBeCloseTo(1 / 127);
    expect(likeness(rows)).toEqual([{ a: 0, b: 1, cosine: expect.closeTo(0.6) }]);
  });

  it('of several texts tells how alike each two are, the most alike first', () => {
    const answer = Uint8Array.of(127, 0, 0, 127, 127, 129);
    const rows = rowsOf(answer, new Uint8Array(12), WORDS)!;
    const told = likeness(rows).map(({ a, b, cosine }) => [a, b, Number(cosine.toFixed(3))]);
    expect(told).toEqual([
      [0, 2, 0.707],
      [0, 1, 0],
      [1, 2, -0.707],
    ]);
    expect(likeness(rows.slice(0, 1))).toEqual([]);
  });

  it('of token ids is about texts where they can be read, and about ids where not', () => {
    const input = Uint8Array.of(7, 0, 9, 0);
    const ids = [[7, 9]];
    expect(shownTexts(input, WORDS, { ids, texts: ['a\u202eb'] })).toEqual(['a\ufffdb']);
    expect(shownTexts(input, WORDS, { ids, texts: undefined })).toEqual(['7 9']);
    expect(shownTexts(input, WORDS, undefined)).toEqual(['…']);
    expect(shownTexts(utf8('hi'), LINGUA, undefined)).toEqual(['hi']);
    expect(shownTexts(utf8('hi'), undefined, undefined)).toEqual(['hi']);
  });

  it('names languages in the reader’s own', () => {
    expect(labelText('it', 'lingua', 'it')).toBe('Italiano');
    expect(labelText('zht', 'lingua', 'en')).toBe('Traditional Chinese');
    expect(labelText('class 3', 'tiny', 'it')).toBe('class 3');
  });

  it('cannot turn the line or hide a control', () => {
    expect(readableText(utf8('a\u202eb\u0007\nc'))).toBe('a\ufffdb\ufffd\nc');
    expect(readableText(Uint8Array.of(0xff))).toBe('\ufffd');
  });
});

it('tells how far a request has come', () => {
  const [answer] = [{ payee: LINGUA.id, answer: ANSWER, claim: undefined, result: undefined }];
  expect(stageOf({ state: 'open', answers: [] })).toBe('open');
  expect(stageOf({ state: 'open', answers: [answer] })).toBe('unconfirmed');
  expect(stageOf({ state: 'answered', answers: [answer] })).toBe('confirmed');
  for (const state of ['waiting', 'paid', 'refunded', 'dropped'] as const)
    expect(stageOf({ state, answers: [] })).toBe(state);
});

it('tells times in units of which there are two', () => {
  expect(formatSpan(60_000, 'en')).toBe('60 seconds');
  expect(formatSpan(120_000, 'en')).toBe('2 minutes');
  expect(formatSpan(1440 * 60_000, 'it')).toBe('24 ore');
});

it('the list shows a change of a request where it stands, and a new one first', async () => {
  const engine = new MemoryEngine();
  engine.receipts = [RECEIPT];
  const config = { network: 'local', prefix: 'rpila', bootstrap: [], genesis: undefined } as const;
  const asks = new Asks(new Session(engine, async () => config));
  const stop = asks.start();
  await expect.poll(() => asks.receipts).toEqual([RECEIPT]);
  expect(asks.chosen).toEqual(LINGUA);
  expect(asks.quote?.minimum).toBeGreaterThan(0n);
  const newer = { ...RECEIPT, id: new Uint8Array(32) };
  engine.emit({ type: 'receipt', receipt: newer });
  engine.emit({ type: 'receipt', receipt: { ...RECEIPT, state: 'paid' } });
  expect(asks.receipts!.map(({ state }) => state)).toEqual(['open', 'paid']);
  expect(asks.receipts![0]).toBe(newer);
  stop();
  engine.emit({ type: 'receipt', receipt: { ...newer, state: 'paid' } });
  expect(asks.receipts![0]).toBe(newer);
});

it('what an input says is read once, and again when the words have come', async () => {
  const engine = new MemoryEngine();
  const config = { network: 'local', prefix: 'rpila', bootstrap: [], genesis: undefined } as const;
  const asks = new Asks(new Session(engine, async () => config));
  const [id, input] = [WORDS.id, Uint8Array.of(7, 0)];
  const ids = [[7]];
  engine.reading = { ids, texts: undefined };
  expect(asks.readingOf(id, input)).toBeUndefined();
  await expect.poll(() => asks.readingOf(id, input)).toEqual({ ids, texts: undefined });
  engine.reading = { ids, texts: ['seven'] };
  expect(asks.readingOf(id, input)!.texts).toBeUndefined();
  await asks.readWords(id, input);
  await expect.poll(() => asks.readingOf(id, input)).toEqual({ ids, texts: ['seven'] });
});
