import { describe, expect, it } from 'vitest';
import { hash } from '../../../src/core/hash.ts';
import { encode } from '../../../src/core/codec.ts';
import { HeaderCore } from '../../../src/core/formats.ts';
import { credits, inputTokens, unitMacs } from '../../../src/core/manifest.ts';
import { fillDrawn, seedOf, tokensOf } from '../../../src/core/pow/seed.ts';
import { isWinning, ticketLimits } from '../../../src/core/pow/transcript.ts';
import { blankHeader, inventManifest } from '../../oracle/forged-pass.ts';
import { randomBytes } from '../../oracle/random.ts';

const { manifest } = inventManifest(3, 16, [
  { k: 128, n: 32, r: 16 },
  { k: 128, n: 16, r: 16 },
]);

describe('seed and tokens', () => {
  it('the seed covers the core, not the digest', () => {
    const header = blankHeader();
    const core = encode(HeaderCore, header);
    expect(seedOf(header)).toEqual(hash('seed', hash('header', core)));
    expect(seedOf({ ...header, proofDigest: randomBytes('d', 32) } as HeaderCore)).toEqual(
      seedOf(header),
    );
    expect(seedOf({ ...header, nonce: 1n })).not.toEqual(seedOf(header));
  });

  it('the tokens of a unit are fresh, in 1..V−1, and spread', () => {
    const seen = new Set<number>();
    for (let i = 0; i < 64; i++)
      for (const t of tokensOf(randomBytes(`s${i}`, 32), manifest)) seen.add(t);
    expect(seen.has(0)).toBe(false);
    expect(Math.max(...seen)).toBe(256);
    expect(seen.size).toBe(256);
  });

  it('an input is token ids from 1 on, as many as a unit has at most', () => {
    expect(inputTokens(Uint8Array.of(0, 255, 7), manifest)).toEqual(Uint32Array.of(1, 256, 8));
    expect(inputTokens(new Uint8Array(48), manifest)).toEqual(new Uint32Array(48).fill(1));
    expect(inputTokens(new Uint8Array(49), manifest)).toBeUndefined();
  });
});

describe('what is drawn from a stream', () => {
  it('is low + ⌊v·(high − low + 1)/2^32⌋, exactly, at every range', () => {
    const stream = randomBytes('stream', 4 * 64);
    stream.fill(0, 0, 4);
    stream.fill(255, 4, 8);
    const words = new DataView(stream.buffer, stream.byteOffset);
    for (const [low, high] of [
      [-63, 63],
      [1, 2 ** 18 - 1],
      [-(2 ** 24), 2 ** 24],
      [5, 5],
      [-(2 ** 31), 2 ** 31 - 1],
    ] as const) {
      const out = new Int32Array(64);
      fillDrawn(out, stream, low, high);
      for (const [i, x] of out.entries()) {
        const v = BigInt(words.getUint32(4 * i, true));
        expect(BigInt(x)).toBe(BigInt(low) + ((v * BigInt(high - low + 1)) >> 32n));
      }
      expect([out[0], out[1]]).toEqual([low, high]);
    }
  });
});

describe('limits of tickets', () => {
  it('take a ticket up to them, and none where there is no credit', () => {
    expect([1n, 2n, 3n].map((value) => isWinning(value, 2n))).toEqual([true, true, false]);
    expect(isWinning(0n, 0n)).toBe(false);
  });

  const hard = 1n << 200n;
  it('are the target times the credit', () => {
    const [none, c] = credits(manifest) as [bigint, bigint];
    expect(none).toBe(0n);
    expect(ticketLimits(hard, manifest)).toEqual([0n, hard * c]);
  });

  it('let a pass win at most once in 16, and fit 256 bits', () => {
    const cap = (1n << 256n) / (16n * unitMacs(manifest));
    const [, c] = credits(manifest) as [bigint, bigint];
    expect(ticketLimits((1n << 256n) - 1n, manifest)).toEqual([0n, cap * c]);
    const small = { k: 128, n: 16, r: 16 };
    const tiny = inventManifest(2, 8, [small, small]).manifest;
    const one = ticketLimits((1n << 256n) - 1n, tiny)[1]!;
    expect(one).toBeLessThan(1n << 256n);
  });
});
