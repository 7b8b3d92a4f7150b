/** A real miner worker's memory: what it was given, and what it lets go. */
import { afterAll, expect, it, vi } from 'vitest';
import { ModelSupply } from '../../../src/client/models/model-supply.ts';
import { modelNamed, networkOf } from '../../../src/client/models/networks.ts';
import { openPackaged } from './packaged.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { startMinerThread } from '../../../src/node/contributor/miner-thread.ts';

vi.setConfig({ testTimeout: 60_000 });

const network = networkOf('e2e');
const { models } = network;
const [tiny, lingua, polyglot] = ['tiny', 'lingua', 'polyglot'].map(
  (name) => modelNamed(network, name)!.id,
) as [Uint8Array, Uint8Array, Uint8Array];
const packages = await openPackaged(network);
const { miner, stop } = await startMinerThread(undefined, () => undefined);
afterAll(stop);
const supply = new ModelSupply((id) => packages.load(id));

const run = (id: Uint8Array) =>
  miner.execute(id, new Uint8Array(2)).then(
    () => 'ran',
    (e: unknown) => AppError.from(e).code,
  );
const hexOf = (id: Uint8Array) => [...models].find(([, m]) => id === idOf(m.name))![0];
const idOf = (name: string) => ({ tiny, lingua, polyglot })[name];

it('a model that is freed leaves the worker, and comes back when it is needed', async () => {
  await supply.give(miner, tiny);
  expect(await run(tiny)).toBe('ran');
  await supply.forget(hexOf(tiny));
  expect([await run(tiny), supply.has(miner, tiny)]).toEqual(['MODEL_MISSING', false]);
  // Given again while it is still leaving.
  await supply.give(miner, tiny);
  void supply.forget(hexOf(tiny));
  await supply.give(miner, tiny);
  expect(await run(tiny)).toBe('ran');
});

it('what is asked for at the moment that it leaves is run to its end', async () => {
  await supply.give(miner, lingua);
  const running = run(lingua);
  await supply.forget(hexOf(lingua));
  expect([await running, await run(lingua)]).toEqual(['ran', 'MODEL_MISSING']);
});

it('of many the wanted ones stay', async () => {
  for (const id of [tiny, lingua, polyglot]) await supply.give(miner, id);
  await supply.keepOnly([lingua, polyglot]);
  expect(await Promise.all([tiny, lingua, polyglot].map(run))).toEqual([
    ...['MODEL_MISSING', 'ran', 'ran'],
  ]);
});
