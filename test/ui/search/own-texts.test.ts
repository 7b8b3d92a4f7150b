/** What is given while texts are read: taken at once, read by the same work or after it, and no more than has a place. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createIdbStore } from '../../../src/chain/store/idb-store.ts';
import { createEmbedder } from '../../../src/client/texts-index/embedder.ts';
import { TextsIndex } from '../../../src/client/texts-index/texts-index.ts';
import type { Given } from '../../../src/ui/ask/search/given-files.ts';
import { GIVEN_MAX, OwnTexts } from '../../../src/ui/ask/search/own-texts.svelte.ts';
import { Session } from '../../../src/ui/session.svelte.ts';
import { searchStates } from '../gallery/search-states.ts';
import { MemoryEngine } from '../memory-engine.ts';

const NAME = 'pila-texts';
let own: OwnTexts;
let engine: MemoryEngine;
/** Passes wait for it: texts are being read until it opens. */
let gate: PromiseWithResolvers<void>;
let passes: number;

beforeEach(async () => {
  const store = await createIdbStore(NAME);
  await store.clear();
  await store.close();
  gate = Promise.withResolvers();
  passes = 0;
  engine = new MemoryEngine();
  searchStates({ engine }).compares!();
  const { execute } = engine.client;
  engine.client.execute = async (...asked) => {
    passes++;
    await gate.promise;
    return execute(...asked);
  };
  const [model] = await engine.client.models();
  own = new OwnTexts(new Session(engine, async () => undefined as never), model!);
  await own.open();
});
afterEach(() => own.close());

const given = (...names: string[]): Given => ({
  files: names.map((name) => ({ name, file: async () => new File([`Of ${name} alone.`], name) })),
  skipped: 0,
});
const text = (name: string) => () => ({ name, text: `Of ${name} alone.` });
const names = () => own.texts.map(({ name }) => name);
const done = () => expect.poll(() => own.isWorking).toBe(false);

test('it is taken at once, whatever it is given by, and found as all else', async () => {
  expect(await own.addFiles(given('zinc'))).toBe(true);
  expect(own.isWorking).toBe(true);
  expect(await own.addFiles(Promise.resolve(given('copper')))).toBe(true);
  expect(await own.addText(text('brine'))).toBe(true);
  expect(names()).toEqual(['zinc', 'copper', 'brine']);
  expect(own.isWorking).toBe(true);
  gate.resolve();
  await done();
  expect(own.isUnfinished).toBe(false);
  expect((await own.find('brine')).hits[0]!.name).toBe('brine');
  expect(own.stuck).toBeUndefined();
});

test('it is read though the work ended in the moment in which it came', async () => {
  gate.resolve();
  // Each comes a turn later than the one before, so that some meet the end of the work.
  for (let turns = 0; turns < 12; turns++) {
    await own.addFiles(given(`a ${turns}`));
    for (let i = 0; i < turns; i++) await Promise.resolve();
    await own.addFiles(given(`b ${turns}`));
    await done();
    expect(own.isUnfinished).toBe(false);
  }
  expect(own.stuck).toBeUndefined();
});

test('what waits has a bound; what comes beyond it is told, and all else is taken', async () => {
  const slow = Promise.withResolvers<Given>();
  const first = own.addFiles(slow.promise);
  const waiting = Array.from({ length: GIVEN_MAX - 1 }, (_, i) => own.addFiles(given(`${i}`)));
  expect(await own.addFiles(given('beyond'))).toBe(false);
  expect(own.stuck?.code).toBe('QUEUE_FULL');
  slow.resolve(given('first'));
  expect(await Promise.all([first, ...waiting])).not.toContain(false);
  expect(own.taken?.added).toBe(GIVEN_MAX);
  expect(names()).not.toContain('beyond');
  // There is room again.
  expect(await own.addFiles(given('beyond'))).toBe(true);
  expect(own.stuck).toBeUndefined();
  gate.resolve();
  await done();
  expect(own.isUnfinished).toBe(false);
});

test('what waited when it was stopped is not taken; what is given afterwards is', async () => {
  const slow = Promise.withResolvers<Given>();
  const first = own.addFiles(slow.promise);
  const second = own.addText(text('second'));
  own.stop();
  slow.resolve(given('first'));
  expect(await Promise.all([first, second])).toEqual([false, false]);
  expect(own.stuck).toBeUndefined();
  expect(await own.addText(text('third'))).toBe(true);
  expect(names()).toEqual(['third']);
  await expect.poll(() => passes).toBe(1);
  // A pass runs to its end: what is given meanwhile waits for it, and has what is unfinished gone on with.
  own.stop();
  expect(await own.addText(text('fourth'))).toBe(true);
  gate.resolve();
  await done();
  expect(own.isUnfinished).toBe(false);
});

test('what is stopped stays unfinished until one goes on with it', async () => {
  await own.addFiles(given('zinc'));
  own.stop();
  gate.resolve();
  await done();
  expect(own.isUnfinished).toBe(true);
  await own.resume();
  expect(own.isUnfinished).toBe(false);
});

test('one is removed while others are read; while another tab changes them nothing is taken', async () => {
  await own.addFiles(given('zinc', 'copper'));
  await own.remove(own.texts[0]!.id);
  expect(names()).toEqual(['copper']);
  gate.resolve();
  await done();
  await navigator.locks.request(NAME, async () => {
    expect(await own.addFiles(given('brine'))).toBe(false);
    expect(own.stuck?.code).toBe('TEXTS_BUSY');
  });
  expect(await own.addFiles(given('brine'))).toBe(true);
  await done();
  expect(names()).toEqual(['copper', 'brine']);
});

test('what another tab has changed counts, though its word has not come', async () => {
  gate.resolve();
  await own.addFiles(given('zinc', 'copper'));
  await done();
  const store = await createIdbStore(NAME);
  const { model, size } = createEmbedder(engine.client, own.model);
  const other = await TextsIndex.open(store, { model, size });
  await other.remove(own.texts[0]!.id);
  await other.add(text('copper')());
  await other.add({ name: 'brine', text: 'Of brine elsewhere.' });
  await store.close();
  expect(await own.addText(text('brine'))).toBe(true);
  await done();
  expect(names()).toEqual(['copper', 'brine']);
  await own.open();
  expect(names()).toEqual(['copper', 'brine']);
  expect(own.stuck).toBeUndefined();
});
