/** Asking this device: which models there are, and what is refused before a model is fetched. */
import { expect, test } from 'vitest';
import { unitShape } from '../../../src/core/manifest.ts';
import { createAskApi } from '../../../src/client/models/ask-api.ts';
import type { GeneratingApi } from '../../../src/client/models/generate-here.ts';
import { networkOf } from '../../../src/client/models/networks.ts';
import { createTexts } from '../../../src/client/models/texts.ts';

const network = networkOf('e2e');

function ask() {
  const ran: number[] = [];
  const loaded: Uint8Array[] = [];
  const whole: Uint8Array[] = [];
  const api = createAskApi({
    network,
    texts: createTexts(network.models, undefined),
    served: () => [],
    generating: {} as GeneratingApi,
    worker: {
      async execute(_, input) {
        ran.push(input.length);
        return Uint8Array.of(7);
      },
      async load(id) {
        loaded.push(id);
      },
    },
    isWhole: async (id) => whole.includes(id),
  });
  return { api, ran, loaded, whole };
}

test('the models are those that the network admits, the default first', async () => {
  const models = await ask().api.models();
  expect(models.map(({ name }) => name)).toEqual(network.names);
  for (const { id, inputBytesMax, sequenceBytes } of models) {
    const manifest = [...network.models.values()][models.findIndex((m) => m.id === id)]!;
    const { sequences } = unitShape(manifest);
    expect(inputBytesMax).toBe(sequences * sequenceBytes);
  }
});

test('an input of one pass is run; a longer one, and another model, is not even fetched for', async () => {
  const { api, ran } = ask();
  const { id, inputBytesMax } = (await api.models()).find(({ name }) => name === 'tiny')!;
  expect(await api.execute(id, new Uint8Array(inputBytesMax))).toEqual(Uint8Array.of(7));
  const long = api.execute(id, new Uint8Array(inputBytesMax + 1));
  await expect(long).rejects.toMatchObject({ code: 'INPUT_LONG' });
  const other = api.execute(new Uint8Array(32), new Uint8Array(1));
  await expect(other).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  expect(ran).toEqual([inputBytesMax]);
});

test('a model that will be asked is loaded where it is whole, and never fetched for that', async () => {
  const { api, loaded, whole } = ask();
  const { id } = (await api.models())[0]!;
  await api.loadModel(id);
  expect(loaded).toEqual([]);
  whole.push(id);
  await api.loadModel(id);
  expect(loaded).toEqual([id]);
});
