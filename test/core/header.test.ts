import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/core/codec.ts';
import type { FaultCode } from '../../src/core/faults.ts';
import { Header, HeaderCore } from '../../src/core/formats.ts';
import {
  blockId,
  ChainPointRecord,
  extendPoint,
  genesisPoint,
  headerHash,
  msUntilTimely,
  verifyHeader,
  WAIT_MS_MAX,
  type ChainPoint,
} from '../../src/core/header/header.ts';
import { EMPTY_MMR, mmrAppend, mmrLeaf, mmrRoot } from '../../src/core/header/mmr.ts';
import { knownHeaders } from '../../src/core/header/tables.ts';
import { headerWork } from '../../src/core/header/target.ts';
import type { Params } from '../../src/core/params.ts';
import { rule } from '../../src/core/rules.ts';
import { EMPTY_TREE } from '../../src/core/tree/tree.ts';
import { bytes32, child, childHeader, GENESIS_MS as START, paramsOf } from './fixtures.ts';

const main = paramsOf('main');
const local = paramsOf('local');

const grow = (params: Params, from: ChainPoint, gaps: number[]): ChainPoint[] => {
  const points = [from];
  for (const gap of gaps) {
    const parent = points.at(-1)!;
    const header = childHeader(params, parent, EMPTY_TREE, [], { time: parent.header.time + gap });
    points.push(extendPoint(params, parent, header));
  }
  return points;
};

test('sizes are those of the specification', () => {
  const { header } = genesisPoint(main, START);
  expect(encode(Header, header)).toHaveLength(251);
  expect(encode(HeaderCore, header)).toHaveLength(219);
});

describe('ids', () => {
  const base = childHeader(main, genesisPoint(main, START), EMPTY_TREE);
  test('every field is in the id; the proof digest is not in h', () => {
    const other = { ...base, proofDigest: bytes32(1) };
    expect(headerHash(other)).toEqual(headerHash(base));
    expect(blockId(other)).not.toEqual(blockId(base));
    const core = encode(HeaderCore, base);
    fc.assert(
      fc.property(fc.nat(core.length - 1), fc.integer({ min: 1, max: 255 }), (at, xor) => {
        const bytes = core.slice();
        bytes[at]! ^= xor;
        const changed = { ...decode(HeaderCore, bytes), proofDigest: base.proofDigest };
        expect(headerHash(changed)).not.toEqual(headerHash(base));
        expect(blockId(changed)).not.toEqual(blockId(base));
      }),
    );
  });
  test('genesis depends on network and time', () => {
    const ids = [main, local].flatMap((p) => [START, START + 1].map((t) => genesisPoint(p, t).id));
    expect(new Set(ids.map(String)).size).toBe(4);
  });
});

describe('rules', () => {
  const parent = grow(main, genesisPoint(main, START), [60_000, 61_000, 10_000]).at(-1)!;
  const good = childHeader(main, parent, EMPTY_TREE);
  const check = (fields: Partial<Header>, nowMs = good.time, params = main) =>
    verifyHeader(params, parent, { ...good, ...fields }, nowMs)?.fault;

  test('a good header', () => expect(check({})).toBeUndefined());

  const bad: [FaultCode, Partial<Header>][] = [
    ['header.version', { version: 1 }],
    ['header.knows', { knows: 1 }],
    ['header.parent-unknown', { prevHash: bytes32(1) }],
    ['header.height', { height: good.height + 1 }],
    ['header.mmr-root', { mmrRoot: bytes32(1) }],
    ['header.time-order', { time: parent.header.time }],
    ['header.time-future', { time: good.time + 30_001 }],
    ['header.slip', { slip: 1 }],
    ['header.total-work', { totalWork: good.totalWork + 1n }],
    ['header.model', { model: 1 }],
  ];
  test.each(bad)('%s, and only that', (code, fields) => {
    const left = { ...good, ...fields };
    expect(check(left)).toBe(code);
    // Height, time and slip carry their work: with their rule off, the work must still fit them.
    const work = parent.header.totalWork + headerWork(main, left);
    const rest = code === 'header.total-work' ? left : { ...left, totalWork: work };
    expect(check(rest, good.time, paramsOf('main', [code]))).toBeUndefined();
  });
  test('what a version adds holds from its height on, beside all that held before', () => {
    const even = rule('header.knows', '4', ({ header: { nonce } }: { header: Header }) =>
      nonce % 2n ? { nonce } : undefined,
    );
    const next = { version: 3, from: good.height + 1, rules: [even] };
    const params = { ...main, versions: [...main.versions, next] };
    const now = childHeader(params, parent, EMPTY_TREE, [], { nonce: 7n });
    expect([now.version, now.knows]).toEqual([2, 3]);
    expect(check(now, now.time, params)).toBeUndefined();
    expect(check({ ...now, version: 3 }, now.time, params)).toBe('header.version');
    const point = extendPoint(params, parent, now);
    const later = (nonce: bigint, fields: Partial<Header> = {}) => {
      const header = childHeader(params, point, EMPTY_TREE, [], { nonce, ...fields });
      return verifyHeader(params, point, header, header.time)?.fault;
    };
    expect([later(6n), later(7n)]).toEqual([undefined, 'header.knows']);
    expect(later(6n, { version: 2 })).toBe('header.version');
    expect(later(6n, { mmrRoot: bytes32(1) })).toBe('header.mmr-root');
  });
  test('a list of headers ends before the first of newer rules', () => {
    const versions = [2, 2, 3, 2].map((version) => ({ ...good, version }));
    expect(knownHeaders(main, versions)).toEqual([good, good]);
    expect(knownHeaders(main, [good])).toEqual([good]);
    expect(knownHeaders(main, versions.slice(2))).toEqual([]);
  });
  test('a model holds from its height up to its end', () => {
    const row = { ...main.models[0]!, from: good.height, to: good.height + 1 };
    const at = (models: Params['models']) => check({}, good.time, { ...main, models });
    expect(at([row])).toBeUndefined();
    expect(at([{ ...row, from: good.height + 1, to: undefined }])).toBe('header.model');
    expect(at([{ ...row, from: 0, to: good.height }])).toBe('header.model');
  });
  test('more may be known than holds; what nobody here knows is put aside', () => {
    expect(check({ knows: 255 })).toBeUndefined();
    expect(check({ version: 3, knows: 3, mmrRoot: bytes32(1) })).toBe('wire.newer');
  });
  test('time at its bounds', () => {
    for (const time of [parent.header.time + 1, good.time + 30_000])
      expect(check(childHeader(main, parent, EMPTY_TREE, [], { time }))).toBeUndefined();
  });
  test('a header from the future waits up to ten minutes', () => {
    const until = (early: number, params = main) => msUntilTimely(params, good, good.time - early);
    expect([until(-1), until(30_000), until(30_001)]).toEqual([0, 0, 1]);
    expect([until(10_000, local), until(10_001, local)]).toEqual([0, 1]);
    expect([until(WAIT_MS_MAX), until(WAIT_MS_MAX + 1)]).toEqual([WAIT_MS_MAX - 30_000, undefined]);
  });
});

test('a point holds the range over all blocks, work included, and survives its record', () => {
  const points = grow(local, genesisPoint(local, START), [5000, 3000, 1, 1, 200_000, 7]);
  let mmr = EMPTY_MMR;
  for (const [i, p] of points.entries()) {
    if (i) expect(p.header.mmrRoot).toEqual(mmrRoot(mmr));
    mmr = mmrAppend(mmr, mmrLeaf(p.id, headerWork(local, p.header)));
    expect(mmrRoot(p.mmr)).toEqual(mmrRoot(mmr));
    expect(decode(ChainPointRecord, encode(ChainPointRecord, p))).toEqual(p);
    expect(p.mmr.peaks.reduce((sum, peak) => sum + peak.work, 0n)).toBe(p.header.totalWork);
  }
  expect(child(local, points.at(-1)!, EMPTY_TREE).header.height).toBe(7);
});
