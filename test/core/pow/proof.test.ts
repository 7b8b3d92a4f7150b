import { beforeAll, describe, expect, it } from 'vitest';
import { FAULTS, type FaultCode } from '../../../src/core/faults.ts';
import { Proof, type Header } from '../../../src/core/formats.ts';
import { encode } from '../../../src/core/codec.ts';
import { proofDigest, verifyLight } from '../../../src/core/pow/proof.ts';
import { without as leftOut } from '../../attack/without.ts';
import { replayFaults } from '../../../src/core/pow/replay.ts';
import { createProof } from '../../../src/miner/engine/prove.ts';
import {
  blankHeader,
  EASIEST,
  forgePass,
  forgeWin,
  inventManifest,
  UNMET,
} from '../../oracle/forged-pass.ts';
import { paramsFor, withTarget } from '../header/params-for.ts';
import { randomBytes } from '../../oracle/random.ts';

const { manifest, weights } = inventManifest(2, 16, [
  { k: 128, n: 32, r: 16 },
  { k: 192, n: 48, r: 16 },
]);
const params = withTarget(paramsFor('e2e'), EASIEST);
const without = (...off: FaultCode[]) => leftOut(params, off);

let header: Header;
let proof: Proof;
let pass: ReturnType<typeof forgePass>;
beforeAll(() => {
  const won = forgeWin(blankHeader(), manifest, weights, (linear) => linear === 2);
  pass = won.pass;
  proof = createProof({ manifest, weights }, pass);
  header = { ...won.header, proofDigest: proofDigest(proof) };
});

/** The verdict on a changed proof whose header commits to it. */
function verdict(change: Partial<Proof>, p = params): string | undefined {
  const changed = { ...proof, ...change };
  const committed = { ...header, proofDigest: proofDigest(changed) };
  return verifyLight(p, committed, changed, manifest, weights)?.fault;
}
const flipped = (bytes: Uint8Array, at = 0): Uint8Array => {
  const out = bytes.slice();
  out[at]! ^= 1;
  return out;
};

describe('the light check', () => {
  it('takes a won proof, with its columns or without', () => {
    expect(verifyLight(params, header, proof, manifest)).toBeUndefined();
    const short = { ...proof, columns: new Uint8Array(0), columnPath: [] };
    expect(verifyLight(params, header, short, manifest, weights)).toBeUndefined();
    expect(verifyLight(params, header, short, manifest)?.fault).toBe('proof.shape');
  });

  it('keeps a proof within 32·k bytes and 3 KB', () => {
    expect(encode(Proof, proof).length).toBeLessThanOrEqual(32 * 192 + 3072);
  });

  it('refuses wrong sizes', () => {
    expect(verdict({ linear: 0 })).toBe('proof.shape');
    expect(verdict({ linear: 3 })).toBe('proof.shape');
    expect(verdict({ tile: 6 })).toBe('proof.shape');
    expect(verdict({ x: proof.x.slice(1) })).toBe('proof.shape');
    // A whole proof of linear 1, whose tickets earn nothing.
    const first = { linear: 1, x: [], t: [], rows: new Uint8Array(16 * 128) };
    expect(verdict({ ...first, columns: first.rows })).toBe('proof.shape');
    expect(verdict({ t: [] })).toBe('proof.shape');
    expect(verdict({ rows: proof.rows.slice(1) })).toBe('proof.shape');
    expect(verdict({ columns: proof.columns.slice(1) })).toBe('proof.shape');
    expect(verdict({ columns: new Uint8Array(0) })).toBe('proof.shape');
  });

  it('refuses a proof that the header does not commit to', () => {
    for (const change of [
      { x: [flipped(proof.x[0]!)] },
      { a: flipped(proof.a) },
      { y: flipped(proof.y) },
    ])
      expect(verifyLight(params, header, { ...proof, ...change }, manifest)?.fault).toBe(
        'proof.digest',
      );
  });

  it('refuses operands out of bounds, even when they are the committed ones', () => {
    const rows = proof.rows.slice();
    rows[5] = 64;
    expect(verdict({ rows })).toBe('proof.range');
    rows[5] = 256 - 64;
    expect(verdict({ rows })).toBe('proof.range');
    // The bounds are those of the linear.
    const narrow = { ...manifest, linears: manifest.linears.map((l) => ({ ...l, high: 62 })) };
    rows[5] = 63;
    const committed = { ...header, proofDigest: proofDigest(proof) };
    expect(verifyLight(params, committed, { ...proof, rows }, narrow, weights)?.fault).toBe(
      'proof.range',
    );
    const columns = proof.columns.slice();
    columns[0] = 128;
    expect(verdict({ columns })).toBe('proof.range');
  });

  it('refuses rows and columns that their hashes do not open to', () => {
    const bit = (bytes: Uint8Array) => {
      const out = bytes.slice();
      out[7] = out[7] === 0 ? 1 : 0;
      return out;
    };
    expect(verdict({ rows: bit(proof.rows) })).toBe('proof.rows');
    expect(verdict({ rowPath: [...proof.rowPath, randomBytes('x', 32)] })).toBe('proof.rows');
    expect(verdict({ columns: bit(proof.columns) })).toBe('proof.columns');
    expect(verdict({ columnPath: proof.columnPath.slice(1) })).toBe('proof.columns');
  });

  it('refuses a ticket over the target, and one of another seed', () => {
    expect(verdict({ t: [flipped(proof.t[0]!)] })).toBe('proof.target');
    expect(verdict({ x: [flipped(proof.x[0]!)] })).toBe('proof.target');
    expect(verdict({ y: flipped(proof.y) })).toBe('proof.target');
    const hard = withTarget(params, UNMET);
    expect(verifyLight(hard, header, proof, manifest)?.fault).toBe('proof.target');
  });

  it('goes on without crashing when rules are switched off', () => {
    const codes = Object.keys(FAULTS).filter((c) => c.startsWith('proof.')) as FaultCode[];
    const rows = proof.rows.map((b) => b ^ 0x80);
    expect(verdict({ rows }, without('proof.range', 'proof.rows'))).toBe('proof.target');
    for (const change of [{ rows }, { linear: 9 }, { tile: 2 ** 31 }, { t: [] }, { rowPath: [] }])
      expect(verdict(change, without(...codes))).toBeUndefined();
  });
});

describe('the comparison with a replay', () => {
  it('takes the same pass', () => {
    expect(replayFaults({ proof, replayed: pass })).toEqual([]);
  });

  it('finds the first difference', () => {
    const other = randomBytes('other', 32);
    const [x1, x2] = pass.x as [Uint8Array, Uint8Array];
    const [t1, t2] = pass.t as [Uint8Array, Uint8Array];
    const replay = (x: Partial<typeof pass>, p = params) =>
      p.rules.first(replayFaults({ proof, replayed: { ...pass, ...x } }));
    expect(replay({ x: [other, x2] })?.fault).toBe('proof.activations');
    expect(replay({ x: [x1] })?.context.linear).toBe(2);
    expect(replay({ t: [other, t2] })?.fault).toBe('proof.transcript');
    expect(replay({ t: [t1, other] })).toBeUndefined(); // t_ℓ* is not in the digest
    expect(replay({ winner: { linear: 1, tile: 0 } })?.fault).toBe('proof.earlier-winner');
    expect(replay({ winner: undefined })?.fault).toBe('proof.earlier-winner');
    expect(replay({ x: [other] }, without('proof.activations'))).toBeUndefined();
  });
});
