import { expect, it } from 'vitest';
import { bodyOf } from '../../src/core/tx/body.ts';
import type { Header } from '../../src/core/formats.ts';
import { genesisPoint } from '../../src/core/header/header.ts';
import { createParams, SUBSIDY } from '../../src/core/params.ts';
import { MinedBlocks } from '../../src/node/mined-blocks.ts';
import { close, person, transfer } from '../chain/make-blocks.ts';

const { header } = genesisPoint(createParams('e2e', []), 1_790_000_000_000);
const headers = Array.from({ length: 160 }, (_, height): Header => ({ ...header, height }));
const other = { ...headers[150]!, time: headers[150]!.time + 1 };
const at = (chain: readonly Header[]) => async (height: number) => chain[height];
const [ann, bob] = [person(1), person(2)] as const;

it('counts what was found, and what those earned with their fees that the chain holds', async () => {
  const mined = new MinedBlocks();
  mined.add({ header: headers[3]!, body: bodyOf() });
  const closing = close(bob, new Uint8Array(32), 90n, { fee: 8n });
  const body = bodyOf([transfer(ann, 0, bob, 5n, 70n), closing]);
  mined.add({ header: headers[150]!, body });
  expect(await mined.count(0, at([]))).toEqual({ found: 2, kept: 0, earned: 0n });
  const all = { found: 2, kept: 2, earned: 2n * SUBSIDY + 78n };
  expect(await mined.count(160, at(headers))).toEqual(all);
  // Another branch wins: what is deep below stays as it was.
  expect(await mined.count(160, at(headers.with(150, other).with(3, other)))).toEqual({
    found: 2,
    kept: 1,
    earned: SUBSIDY,
  });
});

it('counts each block once, however many ask at the same time', async () => {
  const mined = new MinedBlocks();
  for (const found of headers.slice(1, 60)) mined.add({ header: found, body: bodyOf() });
  const all = { found: 59, kept: 59, earned: 59n * SUBSIDY };
  for (let round = 0; round < 2; round++)
    expect(await Promise.all([1, 2, 3].map(() => mined.count(159, at(headers))))).toEqual(
      [1, 2, 3].map(() => all),
    );
});

it('looks at no more than a thousand, the newest, whenever it is asked', async () => {
  const mined = new MinedBlocks();
  const found = Array.from({ length: 1010 }, (_, height): Header => ({ ...header, height }));
  for (const each of found) mined.add({ header: each, body: bodyOf() });
  const asked: number[] = [];
  const told = await mined.count(1, async (height) => {
    asked.push(height);
    return found[height];
  });
  expect(asked).toEqual(found.slice(10).map(({ height }) => height));
  expect(told).toMatchObject({ found: 1010, kept: 1000 });
});
