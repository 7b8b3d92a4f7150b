/** The index of one's texts: what is found, what is kept through a crash at each write, and its bounds. */
import { beforeAll, expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import { networkOf } from '../../../src/client/models/networks.ts';
import { createTexts } from '../../../src/client/models/texts.ts';
import { DOCUMENTS_MAX, TEXTS_BYTES_MAX } from '../../../src/client/texts-index/bounds.ts';
import {
  createEmbedder,
  embeddingModel,
  type Embedder,
} from '../../../src/client/texts-index/embedder.ts';
import { bestSentences } from '../../../src/client/texts-index/highlight.ts';
import { TextsIndex } from '../../../src/client/texts-index/texts-index.ts';
import { modelInfo } from '../../../src/client/models/ask-api.ts';
import { sequenceBytes, type Manifest } from '../../../src/core/manifest.ts';
import { plainHash } from '../../../src/core/hash.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { openPackaged } from '../models/packaged.ts';

const network = networkOf('e2e');
const info = embeddingModel([...network.models.values()].map(modelInfo))!;
const manifest: Manifest = network.models.get(toHex(info.id))!;
let ran: number[] = [];
let embedder: Embedder;

/** The real tokenizer; rows that follow from the tokens, as those of no model do, and of that size. */
beforeAll(async () => {
  const texts = createTexts(network.models, await openPackaged(network));
  embedder = createEmbedder(
    {
      tokenise: (id, all) => texts.tokenise(id, all),
      async execute(_, input) {
        const size = sequenceBytes(manifest);
        const rows = Array.from({ length: input.length / size }, (_row, i) =>
          rowOf(input.subarray(i * size, (i + 1) * size)),
        );
        ran.push(rows.length);
        return Uint8Array.from(rows.flat());
      },
    },
    info,
  );
});

/** How often each token comes, in as many places as a row has. */
function rowOf(sequence: Uint8Array): number[] {
  const row = new Array<number>(info.answerSize).fill(0);
  for (let i = 0; i < sequence.length; i += 2) {
    const id = sequence[i]! + 256 * sequence[i + 1]!;
    if (id) row[plainHash(Uint8Array.of(id & 255, id >> 8))[0]! % row.length]! += 8;
  }
  return row;
}

const never = new AbortController().signal;
const work = (index: TextsIndex, signal = never): Promise<void> =>
  index.work(embedder, () => undefined, signal);
const open = (store: Store): Promise<TextsIndex> => TextsIndex.open(store, embedder);
const found = async (index: TextsIndex, text: string, max = 3) => {
  const [query] = await embedder.embed([text]);
  return index.search(query!, max);
};
const long = (word: string, sentences: number): string =>
  Array.from({ length: sentences }, (_, i) => `The ${word} of line ${i} says something. `).join('');

test('texts are found by their passages, also after the index was opened anew', async () => {
  const store = createMemoryStore();
  const index = await open(store);
  expect(await index.add({ name: 'volta.md', text: `# Pile\n\n${long('copper disc', 60)}` })).toBe(
    true,
  );
  expect(await index.add({ name: 'frog.txt', text: long('frog leg', 40) })).toBe(true);
  expect(await found(index, 'a frog leg')).toEqual([]);
  await work(index);
  const hits = await found(index, 'the frog leg of line 7');
  expect(hits[0]).toMatchObject({ name: 'frog.txt' });
  const again = await open(store);
  expect(await found(again, 'the frog leg of line 7')).toEqual(hits);
  expect(again.documents).toEqual(index.documents);
  expect(again.isUnfinished).toBe(false);
  for (const { id, passages } of again.documents) {
    const all = await again.passages(id);
    expect(all).toHaveLength(passages!);
    expect(all.map(({ text }) => text).join('')).toBe(await again.text(id));
  }
});

test('given twice it is there once; of one name the newer text stays; removed it is gone', async () => {
  const store = createMemoryStore();
  const index = await open(store);
  await index.add({ name: 'a', text: long('first', 30) });
  await work(index);
  expect(await index.add({ name: 'a', text: long('first', 30) })).toBe(false);
  await index.add({ name: 'a', text: long('second', 30) });
  await index.add({ name: 'b', text: long('second', 30) });
  await work(index);
  expect(index.documents.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(
    (await found(index, 'the first of line 3', 100)).some(({ text }) => text.includes('first')),
  ).toBe(false);
  for (const { id } of index.documents) await index.remove(id);
  expect(await store.range('', '~')).toEqual([]);
  expect(await found(index, 'second')).toEqual([]);
});

test('stopped it goes on from where it was: no pass is run twice', async () => {
  const store = createMemoryStore();
  const index = await open(store);
  await index.add({ name: 'a', text: long('copper', 500) });
  const stop = new AbortController();
  ran = [];
  const stopped = index.work(embedder, () => index.documents[0]!.done && stop.abort(), stop.signal);
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  const { done, passages } = index.documents[0]!;
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(passages!);
  expect((await found(index, 'copper')).length).toBe(3);
  ran = [];
  const again = await open(store);
  expect(again.documents).toEqual(index.documents);
  await work(again);
  expect(ran.reduce((sum, n) => sum + n, 0)).toBe(passages! - done);
});

test('it ends at any write: what was there before is whole, and the rest is gone on with', async () => {
  const texts = [
    { name: 'a', text: long('copper', 420) },
    { name: 'b', text: long('zinc', 20) },
    { name: 'a', text: long('silver', 40) },
  ];
  const all = async (index: TextsIndex): Promise<void> => {
    for (const text of texts) {
      await index.add(text);
      await work(index);
    }
  };
  const whole = createMemoryStore();
  await all(await open(whole));
  const expected = await whole.range('', '~');
  for (let writes = 0; ; writes++) {
    const store = createMemoryStore();
    let left = writes;
    const dying: Store = {
      ...store,
      batch: async (puts, durable) => {
        if (left-- <= 0) throw new Error('the tab is closed');
        await store.batch(puts, durable);
      },
    };
    const died = await all(await open(dying)).then(
      () => false,
      () => true,
    );
    const index = await open(store);
    for (const { id } of index.documents) expect(await index.text(id)).toBeTruthy();
    // A newer text of a name takes the place of the one before as it comes, and not sooner.
    if (writes) expect(index.documents.map(({ name }) => name)).toContain('a');
    await work(index);
    expect(index.isUnfinished).toBe(false);
    // What was not given yet is given again.
    for (const text of texts.slice(index.documents.some(({ name }) => name === 'b') ? 2 : 0))
      await index.add(text);
    await work(index);
    const entries = await store.range('', '~');
    const rows = (of: typeof entries) => of.filter(({ key }) => !key.startsWith('document/'));
    expect(rows(entries)).toEqual(rows(expected));
    if (!died) break;
    expect(writes).toBeLessThan(40);
  }
});

test('rows of another model are no rows: the texts wait to be cut anew, and none of the old is left', async () => {
  const store = createMemoryStore();
  const before = await open(store);
  await before.add({ name: 'a', text: long('copper', 100) });
  await work(before);
  const other: Embedder = { ...embedder, model: new Uint8Array(32).fill(7), limit: 1_000 };
  const index = await TextsIndex.open(store, other);
  expect(index.documents).toMatchObject([{ name: 'a', passages: undefined, done: 0 }]);
  await index.work({ ...other, limit: 60 }, () => undefined, never);
  const again = await TextsIndex.open(store, other);
  expect(again.documents).toEqual(index.documents);
  expect(again.isUnfinished).toBe(false);
});

test('a text that was removed while its rows were made leaves none', async () => {
  const store = createMemoryStore();
  const index = await open(store);
  await index.add({ name: 'a', text: long('copper', 300) });
  const slow: Embedder = {
    ...embedder,
    async embed(texts, signal) {
      const rows = await embedder.embed(texts, signal);
      await index.remove(index.documents[0]!.id);
      return rows;
    },
  };
  await index.work(slow, () => undefined, never);
  expect(await store.range('', '~')).toEqual([]);
});

test('a text whose passages have no room keeps no other one from being found', async () => {
  const index = await open(createMemoryStore());
  const sentence = 'Zinc and copper. ';
  // Of the passages alone there are too many, as of a list of words.
  await index.add({ name: 'huge', text: sentence.repeat(60_000) });
  await index.add({ name: 'small', text: 'Volta made a pile.' });
  const each: Embedder = { ...embedder, limit: 4, count: async (all) => all.map(() => 4) };
  const working = index.work(each, () => undefined, never);
  await expect(working).rejects.toMatchObject({ code: 'TEXTS_FULL' });
  expect((await found(index, 'Volta made a pile.')).length).toBe(1);
  expect(index.documents.map(({ passages }) => passages)).toEqual([undefined, 1]);
  await index.remove(index.documents[0]!.id);
  await work(index);
});

test('there is room for so many texts and bytes; what does not fit is told and changes nothing', async () => {
  const index = await open(createMemoryStore());
  const big = 'x'.repeat(TEXTS_BYTES_MAX / 2);
  await index.add({ name: 'a', text: big });
  await index.add({ name: 'b', text: `${big.slice(1)}y` });
  const full = index.add({ name: 'c', text: 'z' });
  await expect(full).rejects.toMatchObject({ code: 'TEXTS_FULL' });
  expect(index.documents.map(({ name }) => name)).toEqual(['a', 'b']);
  // In the place of one that goes it fits.
  expect(await index.add({ name: 'b', text: 'z' })).toBe(true);
  const many = await open(createMemoryStore());
  for (let i = 0; i < DOCUMENTS_MAX; i++) await many.add({ name: `${i}`, text: `text ${i}` });
  await expect(many.add({ name: 'more', text: 'a' })).rejects.toMatchObject({ code: 'TEXTS_FULL' });
});

test('marks of the model, texts of nothing, and texts that are too long have rows all the same', async () => {
  const mark = '[SEP]';
  const embedded = embedder.embed([
    `before ${mark} after`,
    '\u0301\u200b',
    'copper',
    'word '.repeat(3_000),
    ...Array.from({ length: 20 }, (_, i) => `text ${i}`),
  ]);
  await expect(embedded).resolves.toHaveLength(24);
  const rows = await embedded;
  expect(rows[1]!.every((value) => value === 0)).toBe(true);
  for (const [i, row] of rows.entries()) if (i !== 1) expect(row.some((value) => value)).toBe(true);
  expect(rows[2]).toEqual((await embedder.embed(['copper']))[0]);
});

test('of a passage the sentence most like the question is the best one, and never its heading', async () => {
  const said =
    '# The frog leg\n\nDiscs of copper and zinc lie in a pile. The leg of a frog has moved.\n';
  const [query] = await embedder.embed(['the frog leg']);
  const [best] = await bestSentences(embedder, query!, [said]);
  expect(said.slice(best!.from, best!.to)).toBe('The leg of a frog has moved.');
  // Where a heading stands above one sentence, it is that one.
  const short = '# The frog leg\n\nNothing is known.';
  const [only] = await bestSentences(embedder, query!, [short]);
  expect(short.slice(only!.from, only!.to)).toBe('Nothing is known.');
});

test('a search of one text alone finds passages of no other', async () => {
  const index = await open(createMemoryStore());
  for (const name of ['a', 'b']) await index.add({ name, text: long(`copper ${name}`, 40) });
  await work(index);
  const [query] = await embedder.embed(['copper a']);
  const { id } = index.documents[1]!;
  const hits = await index.search(query!, 20, id);
  expect(hits.length).toBeGreaterThan(1);
  expect(hits.every(({ name, text }) => name === 'b' && text.includes('copper b'))).toBe(true);
  expect(await index.search(query!, 20, 'of no text')).toEqual([]);
});
