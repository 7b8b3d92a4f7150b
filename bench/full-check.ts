/** A real win: its proof's size, and the time of its light check and of its full check. */
import { encode } from '../src/core/codec.ts';
import { Proof } from '../src/core/formats.ts';
import { proofDigest, verifyLight } from '../src/core/pow/proof.ts';
import { replayFaults } from '../src/core/pow/replay.ts';
import { seedOf, tokensOf } from '../src/core/pow/seed.ts';
import { createCpuBackend } from '../src/miner/cpu/cpu.ts';
import { createProof } from '../src/miner/engine/prove.ts';
import { paramsFor, withTarget } from '../test/core/header/params-for.ts';
import { blankHeader, UNMET } from '../test/oracle/forged-pass.ts';
import { readModel } from '../test/oracle/models.ts';
import { medianMs } from './measure.ts';
import type { ModelName } from './pass-split.ts';

export interface FullCheck {
  readonly proofBytes: number;
  readonly k: number;
  readonly lightMs: number;
  readonly fullMs: number;
}

/** The winner is a tile of the last linear: the longest replay and the longest proof. */
export async function measureFull(name: ModelName): Promise<FullCheck> {
  const model = await readModel(name);
  const { manifest } = model;
  const last = manifest.linears.length;
  const core = blankHeader();
  const sigma0 = seedOf(core);
  const tokens = tokensOf(sigma0, manifest);
  const all = (1n << 256n) - 1n;
  const limits = manifest.linears.map((_, i) => (i === last - 1 ? all : 0n));
  const cpu = await createCpuBackend(model);
  const won = await cpu.pass({ tokens, sigma0, limits, capture: last });
  const proof = createProof(model, won);
  const header = { ...core, proofDigest: proofDigest(proof) };
  const params = withTarget(paramsFor('e2e'), UNMET);
  const lightMs = await medianMs(21, () => {
    const verdict = verifyLight(params, header, proof, manifest)?.fault;
    if (verdict && verdict !== 'proof.target') throw new Error(`unexpected verdict ${verdict}`);
  });
  const fullMs = await medianMs(9, async () => {
    const found = await cpu.pass({ tokens, sigma0, limits, stopAfter: last });
    if (replayFaults({ proof, replayed: found }).length) throw new Error('the replay differs');
  });
  await cpu.close();
  const { k } = manifest.linears.at(-1)!;
  return { proofBytes: encode(Proof, proof).length, k, lightMs, fullMs };
}
