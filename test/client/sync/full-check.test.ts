/** Which blocks below the head are replayed, and which stay owed, where a model comes late. */
import { expect, test } from 'vitest';
import { BUILT_ON_MAX, FullCheck } from '../../../src/client/sync/full-check.ts';
import type { Header } from '../../../src/core/formats.ts';
import { blockId, type Claim } from '../../../src/core/header/header.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { MODELS, openChain, PARAMS, PROOF } from '../../chain/make-blocks.ts';

/** A chain of headers alone, of a model that is here or not. */
async function setUp(height: number, builtFrom: number | undefined) {
  const genesis = (await (await openChain()).header(0))!;
  const headers = Array.from({ length: height + 1 }, (_, i): Header => ({ ...genesis, height: i }));
  const made = {
    isHere: false,
    /** Height of a block that the worker does not manage to replay. */
    fails: undefined as number | undefined,
    replayed: [] as number[],
  };
  const fullCheck = new FullCheck({
    network: { params: PARAMS, models: MODELS, names: [], verifyProof: () => undefined },
    chain: {
      params: PARAMS,
      headers: { at: async (at: number) => headers[at] },
      proofs: { of: async () => PROOF },
    } as never,
    miner: {
      canReplay: () => made.isHere,
      async replay({ header }: Claim) {
        made.replayed.push(header.height);
        return header.height === made.fails ? undefined : [];
      },
    },
    transport: { charge: () => undefined },
    builtFrom: () => builtFrom,
    onFalse: () => undefined,
  });
  const header = headers.at(-1)!;
  const head = { header, id: blockId(header) } as never;
  return { made, fullCheck, check: () => fullCheck.checkUpTo(head), id: blockId(header) };
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('who comes with the model looks at the sixteen newest, once', async () => {
  const { made, fullCheck, check, id } = await setUp(100, undefined);
  made.isHere = true;
  expect(await check()).toBe(true);
  expect(await check()).toBe(true);
  expect(made.replayed).toEqual(numbers(85, 100));
  expect(toHex(fullCheck.standing!.head)).toBe(toHex(id));
  expect(fullCheck.standing!.owedFrom).toBeUndefined();
});

test.each([
  ['sixteen below the head', 100, undefined, 85],
  ['where it was built on', 100, 40, 40],
  ['where it was built on, however deep that lies by then', 900, 40, 40],
])('without the model blocks stay owed from %s', async (_, height, builtFrom, owedFrom) => {
  const { fullCheck, check } = await setUp(height, builtFrom);
  expect(await check()).toBe(true);
  expect(fullCheck.standing!.owedFrom).toBe(owedFrom);
});

test('what was built on is replayed once the model is here, of the newest that many', async () => {
  const { made, fullCheck, check } = await setUp(900, 40);
  await check();
  made.isHere = true;
  await check();
  expect(made.replayed).toEqual(numbers(900 - BUILT_ON_MAX + 1, 900));
  expect(fullCheck.standing!.owedFrom).toBeUndefined();
});

test('a replay that fails leaves its block owed', async () => {
  const { made, fullCheck, check } = await setUp(20, undefined);
  made.isHere = true;
  made.fails = 9;
  await check();
  expect(fullCheck.standing!.owedFrom).toBe(9);
  made.fails = undefined;
  await check();
  expect(made.replayed.at(-1)).toBe(9);
  expect(fullCheck.standing!.owedFrom).toBeUndefined();
});
