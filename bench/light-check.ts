/** Time of one light check and bytes of one proof at k = 128, 512 and 4096. Run: node bench/light-check.ts */
import { encode } from '../src/core/codec.ts';
import { Proof } from '../src/core/formats.ts';
import { createParams } from '../src/core/params.ts';
import { proofDigest, verifyLight } from '../src/core/pow/proof.ts';
import { createProof } from '../src/miner/prove.ts';
import { plainHash } from '../src/core/hash.ts';
import { blankHeader, inventManifest } from '../test/oracle/forged-pass.ts';
import { randomOperand } from '../test/oracle/random.ts';

const LINEARS = 4;
const params = createParams('e2e', []);
for (const [k, r] of [
  [128, 16],
  [512, 32],
  [4096, 64],
] as const) {
  const m = 1024;
  const shapes = Array.from({ length: LINEARS }, () => ({ k, n: 512, r }));
  const { manifest, weights } = inventManifest(8, m / 8, shapes);
  const captured = randomOperand('rows', m * k);
  const a = shapes.map(() => plainHash(new Uint8Array(captured)));
  // Everything is computed, then the ticket misses the target: the dearest verdict there is.
  const winner = { linear: LINEARS, tile: 77 };
  const proof = createProof({ manifest, weights }, { a, t: a, winner, captured });
  const header = { ...blankHeader(0x03000001), proofDigest: proofDigest(proof) };
  const times: number[] = [];
  for (let i = 0; i < 60; i++) {
    const start = performance.now();
    const verdict = verifyLight(params, header, proof, manifest)?.fault;
    times.push(performance.now() - start);
    if (verdict !== 'proof.target') throw new Error(`unexpected verdict ${verdict}`);
  }
  const first = times[0]!;
  const median = times.sort((x, y) => x - y)[30]!;
  const size = encode(Proof, proof).length;
  console.log(
    `k=${k} r=${r}: light check ${median.toFixed(2)} ms (first ${first.toFixed(1)}), ` +
      `proof ${size} bytes = 32·k + ${size - 32 * k}`,
  );
}
