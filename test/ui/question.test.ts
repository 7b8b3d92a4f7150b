/** Asking on the screen: what is typed for a model, and how answers are told. */
import { describe, expect, it } from 'vitest';
import type { ModelInfo } from '../../src/client/api.ts';
import { toHex, utf8 } from '../../src/lib/bytes.ts';
import {
  calledAmong,
  labelText,
  likeness,
  readableText,
  rowNotes,
  rowsOf,
  shownTexts,
  typedTexts,
} from '../../src/ui/ask/question.ts';
import { Asks } from '../../src/ui/ask/asks.svelte.ts';
import { lacksMemory, lacksRoom } from '../../src/ui/ask/served.ts';
import { Typed } from '../../src/ui/ask/typed.svelte.ts';
import { ask } from '../../src/ui/i18n/en/ask.ts';
import { locationOf } from '../../src/ui/route.svelte.ts';
import { Session } from '../../src/ui/session.svelte.ts';
import { ANSWER, LINGUA, MemoryEngine, PAID } from './memory-engine.ts';

const WORDS: ModelInfo = {
  ...LINGUA,
  name: 'words',
  packing: 'u16',
  labels: [],
  tokenizerBytes: 9,
  shapes: [{ sequences: 3, tokens: 2 }],
  inputBytesMax: 12,
  sequenceBytes: 4,
  answerSize: 2,
};

it('a question has a text in each line for a model of words, and one of all lines else', () => {
  expect(typedTexts('one\n\n  \ntwo ', WORDS)).toEqual(['one', 'two ']);
  expect(typedTexts('one\n\ntwo', LINGUA)).toEqual(['one\n\ntwo']);
});

it('a link to a question of an earlier chain leads to the screen of questions, as others do', () => {
  const place = { place: 'ask', page: 'receipt', about: '5e'.repeat(32) };
  expect(locationOf(`#/receipt/${'5e'.repeat(32)}`)).toEqual(place);
});

describe('what a device has too little of', () => {
  it('is told with what is missing, before anything is downloaded', () => {
    const model = { bytes: 144_000_000, stored: 44_000_000 };
    const room = (quotaBytes: number) => lacksRoom({ usedBytes: 50e6, quotaBytes }, model);
    expect(room(150e6)).toBeUndefined();
    expect(room(149e6)).toEqual({ free: 99e6, missing: 100e6 });
    expect(room(20e6)).toEqual({ free: 0, missing: 100e6 });
    expect(lacksRoom({ usedBytes: undefined, quotaBytes: 1 }, model)).toBeUndefined();
  });

  it('is memory where a page hardly gets what the model takes', () => {
    const on = (gib?: number) =>
      lacksMemory({ bytes: 144_000_000 }, gib === undefined ? {} : { deviceMemory: gib });
    expect([on(), on(2), on(8)]).toEqual([undefined, undefined, undefined]);
    expect(on(1)).toEqual({ needed: 316e6, all: 2 ** 30 });
    expect(lacksMemory({ bytes: 1_100_000 }, { deviceMemory: 0.5 })).toBeUndefined();
  });
});

describe('an answer', () => {
  it('is told as labels by score, one row for each part of the text', () => {
    const [row, ...more] = rowsOf(ANSWER, PAID.input, LINGUA)!;
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

  it('is read as far as it has come, and not within a row', () => {
    const two = { ...LINGUA, inputBytesMax: 256 };
    const input = new Uint8Array(129).fill(65);
    const both = new Uint8Array([...ANSWER, ...ANSWER]);
    expect(rowsOf(new Uint8Array(), input, two)).toEqual([]);
    expect(rowsOf(ANSWER, input, two)).toHaveLength(1);
    expect(rowsOf(both, input, two)).toHaveLength(2);
    expect(rowsOf(both.subarray(1), input, two)).toBeUndefined();
    expect(rowsOf(both, utf8('short'), two)).toHaveLength(1);
  });

  it('comes with how its figures were worked out, where it has such', () => {
    const { reading, embedding } = ask.proof;
    expect(rowNotes(rowsOf(ANSWER, PAID.input, LINGUA), ask.proof)).toEqual([reading]);
    expect(rowNotes(rowsOf(Uint8Array.of(1, 2), Uint8Array.of(7, 0), WORDS), ask.proof)).toEqual([
      embedding,
    ]);
    expect(rowNotes(undefined, ask.proof)).toEqual([]);
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

it('of two models with one name each is told by its id, and can be chosen', async () => {
  const engine = new MemoryEngine();
  const config = { network: 'local', prefix: 'rpila', bootstrap: [], genesis: undefined } as const;
  const asks = new Asks(new Session(engine, async () => config));
  const twin = { ...WORDS, id: Uint8Array.from(WORDS.id, (byte) => byte ^ 1) };
  asks.models = [WORDS, twin];
  for (const model of [twin, WORDS]) {
    asks.choose(toHex(model.id));
    expect(asks.chosen).toBe(model);
  }
  const called = asks.models.map((model) => calledAmong(model, asks.models));
  expect(new Set(called).size).toBe(2);
  expect(calledAmong(WORDS, [WORDS])).toBe(WORDS.name);
});

/** A session of one engine, of which the screen is opened more than once. */
const sessionWith = (...models: ModelInfo[]): Session =>
  ({ peer: { models: async () => models } }) as unknown as Session;

it('what was begun is there when the person comes back to the screen; in another session it is not', async () => {
  const twin = { ...WORDS, id: Uint8Array.from(WORDS.id, (byte) => byte ^ 1) };
  const session = sessionWith(WORDS, twin);
  const first = new Asks(session);
  await first.read();
  expect(first.chosen).toBe(WORDS);
  first.choose(toHex(twin.id));
  first.begun.draft = 'half a que';
  const back = new Asks(session);
  await back.read();
  expect(back.chosen).toBe(twin);
  expect(back.begun.draft).toBe('half a que');
  const other = new Asks(sessionWith(WORDS, twin));
  await other.read();
  expect(other.chosen).toBe(WORDS);
  expect(other.begun.draft).toBe('');
});

it('a chosen model that is gone is not asked', async () => {
  const session = sessionWith(WORDS);
  new Asks(session).choose('00'.repeat(32));
  const back = new Asks(session);
  await back.read();
  expect(back.chosen).toBe(WORDS);
});

it('a draft of before is no typing: who answers best may still be proposed', () => {
  const session = sessionWith();
  const typed = new Typed(session, new Asks(session), 'half a que');
  expect(typed.isAsBegun).toBe(true);
  typed.text = 'half a question';
  expect(typed.isAsBegun).toBe(false);
  typed.text = '';
  expect(typed.isAsBegun).toBe(true);
});

it('a text is counted when the one before it was, and those in between are not', async () => {
  const open: (() => void)[] = [];
  const counted: string[] = [];
  const tokenise = (_: unknown, [text]: readonly string[]) => {
    counted.push(text!);
    return new Promise((resolve) => open.push(() => resolve({ tokens: [1], input: undefined })));
  };
  const session = { peer: { tokenise } } as unknown as Session;
  const typed = new Typed(session, new Asks(session), '');
  let forget = typed.count('a', WORDS);
  await expect.poll(() => counted).toEqual(['a']);
  for (const text of ['ab', 'abc']) {
    forget();
    forget = typed.count(text, WORDS);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(counted).toEqual(['a']);
  open[0]!();
  await expect.poll(() => counted).toEqual(['a', 'abc']);
  open[1]!();
});
