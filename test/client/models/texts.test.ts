/** Texts to inputs and back: the tokenizer alone is fetched, checked, kept and repaired. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelNamed, networkOf } from '../../../src/client/models/networks.ts';
import { openPackageStore } from '../../../src/client/models/package-store.ts';
import type { PartSource } from '../../../src/client/models/part-sources.ts';
import { createTexts } from '../../../src/client/models/texts.ts';
import { TEXT_CHARS_MAX } from '../../../src/client/models/tokeniser.ts';
import { manifestProblem, sequenceBytes, unitShape } from '../../../src/core/manifest.ts';
import { toHex, utf8 } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import {
  manifestFromJson,
  manifestToJson,
  TOKENIZER_BYTES_MAX,
} from '../../../src/miner/package/package.ts';
import { createMemoryParts } from '../../../src/miner/package/part-store.ts';
import { OUTLINE, partNumbers, partsOfFile, planParts } from '../../../src/miner/package/parts.ts';
import { keepParts } from './kept-parts.ts';
import { openPackaged } from './packaged.ts';

const network = networkOf('e2e');
const { models } = network;
const polyglot = modelNamed(network, 'polyglot')!;
const tiny = modelNamed(network, 'tiny')!;
const id = toHex(polyglot.id);
const { files } = await (await openPackaged(network)).load(id);
const plan = planParts(polyglot.manifest);
/** The tokenizer's part: the last. */
const LAST = plan.parts.length;

async function setUp(options: { partBytes?: number; spoil?: boolean } = {}) {
  const { partBytes, spoil } = options;
  const asked: number[] = [];
  const own = planParts(polyglot.manifest, partBytes);
  const file = files.at(-1)!;
  const truth = await keepParts(id, own, files);
  const source: PartSource = {
    name: 'source',
    async fetch({ part }, signal, onBytes) {
      asked.push(part);
      await new Promise((r) => setTimeout(r, 1));
      signal.throwIfAborted();
      const bytes = (await truth.read(id, part))!;
      onBytes(bytes.length);
      return spoil ? bytes.with(7, bytes[7]! ^ 1) : bytes;
    },
    blame: () => undefined,
  };
  const store = createMemoryParts();
  const packages = await openPackageStore({
    models,
    store,
    sources: () => [source],
    roundWaitMs: 1,
    onChange: () => undefined,
    ...(partBytes && { partBytes }),
  });
  return { packages, store, asked, file, texts: createTexts(models, packages), own };
}
const codeOf = (run: Promise<unknown>) =>
  run.then(
    () => 'passed',
    (e: unknown) => AppError.from(e).code,
  );

describe('a model of words', () => {
  it('makes a sequence of each text with its tokenizer alone, fetched once', async () => {
    const { texts, asked, packages } = await setUp();
    const said = ['Il file non esiste.', 'The file does not exist.'];
    const [one, two] = await Promise.all([1, 2].map(() => texts.tokenise(polyglot.id, said)));
    expect(asked).toEqual([LAST]);
    expect(one).toEqual(two);
    expect(one!.input).toHaveLength(2 * sequenceBytes(polyglot.manifest));
    const read = await texts.readInput(polyglot.id, one!.input!);
    expect(read.texts).toEqual(said.map((text) => text.toLowerCase()));
    expect(read.ids!.map(({ length }) => length)).toEqual(one!.tokens);
    const status = (await packages.all()).find(({ name }) => name === 'polyglot')!;
    expect(status).toMatchObject({ state: 'partial', stored: polyglot.manifest.tokenizer!.size });
    // The rest of the package is still to come, the tokenizer is not asked for again.
    await packages.fetch(id);
    expect(asked.toSorted((a, b) => a - b)).toEqual(partNumbers(plan));
  });

  it('tells how many tokens are too many, and cuts nothing off', async () => {
    const { texts } = await setUp();
    const { tokens, sequences } = unitShape(polyglot.manifest);
    const long = await texts.tokenise(polyglot.id, ['a', 'file '.repeat(tokens)]);
    expect(long).toEqual({ tokens: [expect.any(Number), tokens + 2], input: undefined });
    const full = await texts.tokenise(polyglot.id, ['file '.repeat(tokens - 2)]);
    expect(full.input).toBeDefined();
    const all = await texts.tokenise(polyglot.id, Array(sequences).fill('file'));
    expect(all.input).toBeDefined();
    const many = await texts.tokenise(polyglot.id, Array(sequences + 1).fill('file'));
    expect(many.input).toBeUndefined();
    const huge = texts.tokenise(polyglot.id, ['x'.repeat(TEXT_CHARS_MAX), 'y']);
    expect(await codeOf(huge)).toBe('INPUT_LONG');
  });

  it('shows a word that it does not know', async () => {
    const { texts } = await setUp();
    const { input } = await texts.tokenise(polyglot.id, ['file \u{1f50b}']);
    expect((await texts.readInput(polyglot.id, input!)).texts).toEqual(['file [UNK]']);
  });

  it('is read as ids where its tokenizer is not here, and nothing is fetched unasked', async () => {
    const { texts, asked } = await setUp();
    const input = Uint8Array.of(7, 0, 9, 0);
    expect(await texts.readInput(polyglot.id, input)).toEqual({ ids: [[7, 9]], texts: undefined });
    expect(asked).toEqual([]);
    expect((await texts.readInput(polyglot.id, input, true)).texts).toHaveLength(1);
    expect(asked).toEqual([LAST]);
    const none = { ids: undefined, texts: undefined };
    // Half a token, and an id that the model does not have.
    expect(await texts.readInput(polyglot.id, Uint8Array.of(7))).toEqual(none);
    expect(await texts.readInput(polyglot.id, Uint8Array.of(255, 255))).toEqual(none);
    expect(await texts.readInput(new Uint8Array(32), input)).toEqual(none);
  });

  it.each(['\u0301', '\u0301 \u0308', '\ufffd'])(
    'refuses a text that is empty once the tokenizer has made it alike: %j',
    async (empty) => {
      const { texts } = await setUp();
      expect(await codeOf(texts.tokenise(polyglot.id, ['file', empty]))).toBe('INPUT_EMPTY');
    },
  );

  it.each(['', ' ', '\n\t', '\u200b\u00ad', '\u0000'])(
    'refuses a text that is empty: %j',
    async (empty) => {
      const { texts, asked } = await setUp();
      expect(await codeOf(texts.tokenise(polyglot.id, ['file', empty]))).toBe('INPUT_EMPTY');
      expect(await codeOf(texts.tokenise(tiny.id, [empty]))).toBe('INPUT_EMPTY');
      expect(await codeOf(texts.tokenise(polyglot.id, []))).toBe('INPUT_EMPTY');
      expect(asked).toEqual([]);
    },
  );

  it.each(['use [SEP] the file', '[PAD]', 'a[CLS]b', 'what is [MASK]?'])(
    'refuses a control word of the model in a text, by its name: %s',
    async (text) => {
      const { texts } = await setUp();
      const word = /\[[A-Z]+\]/.exec(text)![0];
      await expect(texts.tokenise(polyglot.id, ['file', text])).rejects.toMatchObject({
        code: 'INPUT_CONTROL',
        message: word,
      });
      // What only looks like one is text.
      const plain = text.replace(/\[([A-Z]+)\]/, '[ $1 ]').toLowerCase();
      expect((await texts.tokenise(polyglot.id, [plain])).input).toBeDefined();
    },
  );

  it('has a reading of whatever ids a stranger shares, and shows each of them', async () => {
    const { texts } = await setUp();
    const ids = (await texts.tokenise(polyglot.id, ['the file'])).input!;
    const [cls, the, file, sep] = Array.from(
      { length: 4 },
      (_, i) => ids[2 * i]! + 256 * ids[2 * i + 1]!,
    );
    const read = async (...own: (number | undefined)[]) => {
      const input = new Uint8Array(sequenceBytes(polyglot.manifest));
      own.forEach((token, i) => new DataView(input.buffer).setUint16(2 * i, token!, true));
      return (await texts.readInput(polyglot.id, input, true)).texts;
    };
    await expect(read(cls, the, file, sep)).resolves.toEqual(['the file']);
    await expect(read(cls, sep)).resolves.toEqual(['']);
    await expect(read(cls)).resolves.toEqual(['']);
    await expect(read(sep, sep)).resolves.toEqual(['[SEP]']);
    await expect(read(cls, the, sep, cls, file, 0, the, sep)).resolves.toEqual([
      'the [SEP] [CLS] file [PAD] the',
    ]);
    const { vocabulary } = polyglot.manifest;
    const { tokens } = unitShape(polyglot.manifest);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(vocabulary - 1), { minLength: 1, maxLength: tokens }),
        async (any) => {
          const found = await read(...any);
          expect(found === undefined || found.every((text) => typeof text === 'string')).toBe(true);
        },
      ),
    );
  });

  it('has no texts from a tokenizer that is not the one of its manifest', async () => {
    const { texts, asked } = await setUp({ spoil: true });
    expect(await codeOf(texts.tokenise(polyglot.id, ['a']))).toBe('MODEL_CORRUPT');
    expect(asked).toEqual([LAST]);
  });
});

describe('the tokenizer of a package', () => {
  it('is fetched again alone when it rots', async () => {
    const { packages, store, asked, file } = await setUp();
    expect(await packages.tokenizer(id, false)).toBeUndefined();
    expect(await packages.tokenizer(id, true)).toEqual(file);
    await store.write(id, LAST, file.with(9, file[9]! ^ 1));
    expect(await packages.tokenizer(id, false)).toBeUndefined();
    expect(await packages.tokenizer(id, true)).toEqual(file);
    expect(asked).toEqual([LAST, LAST]);
    await packages.free(id);
    expect(await packages.tokenizer(id, false)).toBeUndefined();
  });

  it('of several parts needs the outline, and no part of another file', async () => {
    const { packages, asked, own, file } = await setUp({ partBytes: 16_384 });
    const parts = partsOfFile(own, own.files.length - 1);
    expect(parts).toHaveLength(1 + Math.ceil(file.length / 16_384));
    expect([parts[0], parts.at(-1)]).toEqual([OUTLINE, own.parts.length]);
    expect(await packages.tokenizer(id, true)).toEqual(file);
    expect(asked).toEqual(parts);
    expect(partsOfFile(plan, plan.files.length - 1)).toEqual([LAST]);
  });

  it('waits for a fetch of the whole that runs, and the other way round', async () => {
    const { packages, asked } = await setUp();
    await Promise.all([packages.fetch(id), packages.tokenizer(id, true)]);
    expect(asked.toSorted((a, b) => a - b)).toEqual(partNumbers(plan));
    const other = await setUp();
    await Promise.all([other.packages.tokenizer(id, true), other.packages.fetch(id)]);
    expect(other.asked.toSorted((a, b) => a - b)).toEqual(partNumbers(plan));
  });

  it('ends with a stop', async () => {
    const { packages } = await setUp();
    const fetching = packages.tokenizer(id, true);
    packages.stop(id);
    expect(await codeOf(fetching)).toBe('MODEL_STOPPED');
  });

  it('is missing where the manifest names none', async () => {
    const { packages, texts } = await setUp();
    expect(await codeOf(packages.tokenizer(toHex(tiny.id), true))).toBe('TOKENIZER_MISSING');
    expect(await codeOf(texts.tokenise(new Uint8Array(32), ['a']))).toBe('MODEL_MISSING');
  });

  it('has at most 16 MiB, or the manifest is refused', () => {
    const ofSize = (size: number) => {
      const { hash } = polyglot.manifest.tokenizer!;
      const manifest = { ...polyglot.manifest, tokenizer: { hash, size } };
      expect(manifestProblem(manifest)).toBeUndefined();
      return () => manifestFromJson(manifestToJson(manifest));
    };
    expect(ofSize(TOKENIZER_BYTES_MAX)).not.toThrow();
    expect(ofSize(TOKENIZER_BYTES_MAX + 1)).toThrow('over 16777216');
  });
});

it('a model of bytes takes one text as it is', async () => {
  const texts = createTexts(models, undefined);
  expect(await texts.tokenise(tiny.id, ['è!'])).toEqual({ tokens: [3], input: utf8('è!') });
  expect((await texts.tokenise(tiny.id, ['x'.repeat(32)])).input).toBeDefined();
  expect(await texts.tokenise(tiny.id, ['x'.repeat(33)])).toEqual({
    tokens: [33],
    input: undefined,
  });
  expect((await texts.tokenise(tiny.id, ['a', 'b'])).input).toBeUndefined();
});
