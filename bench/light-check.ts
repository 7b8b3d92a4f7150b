/** Time of one light check and bytes of one proof at k = 128 to 8192. */
import { encode } from '../src/core/codec.ts';
import { Proof } from '../src/core/formats.ts';
import { plainHash } from '../src/core/hash.ts';
import { carriesHash, stateHash } from '../src/core/pow/seed.ts';
import { proofDigest, verifyLight } from '../src/core/pow/proof.ts';
import { createProof } from '../src/miner/engine/prove.ts';
import { paramsFor, withTarget } from '../test/core/header/params-for.ts';
import { blankHeader, inventManifest, UNMET } from '../test/oracle/forged-pass.ts';
import { randomOperand } from '../test/oracle/random.ts';
import { medianMs } from './measure.ts';

const LINEARS = 4;
const SHAPES = [
  [128, 16],
  [512, 32],
  [4096, 64],
  [8192, 128],
] as const;

export interface LightCheck {
  readonly k: number;
  readonly ms: number;
  readonly proofBytes: number;
}

async function measure(k: number, r: number): Promise<LightCheck> {
  const params = withTarget(paramsFor('e2e'), UNMET);
  const m = 1024;
  const shapes = Array.from({ length: LINEARS }, () => ({ k, n: 512, r }));
  const { manifest, weights } = inventManifest(8, m / 8, shapes);
  const captured = randomOperand('rows', m * k);
  const a = shapes.map(() => plainHash(new Uint8Array(captured)));
  // Everything is computed, then the ticket misses the target: the costliest verdict there is.
  const y = shapes.map(() => carriesHash([]));
  const x = a.map((hash, i) => stateHash(hash, y[i]!));
  const winner = { linear: LINEARS, tile: 77 };
  const proof = createProof({ manifest, weights }, { x, a, y, t: a, winner, captured });
  const header = { ...blankHeader(), proofDigest: proofDigest(proof) };
  const ms = await medianMs(41, () => {
    const verdict = verifyLight(params, header, proof, manifest)?.fault;
    if (verdict !== 'proof.target') throw new Error(`unexpected verdict ${verdict}`);
  });
  return { k, ms, proofBytes: encode(Proof, proof).length };
}

export async function measureLight(): Promise<LightCheck[]> {
  const all: LightCheck[] = [];
  for (const [k, r] of SHAPES) all.push(await measure(k, r));
  return all;
}
