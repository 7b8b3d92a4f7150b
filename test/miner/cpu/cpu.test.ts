import { beforeAll, describe, expect, it } from 'vitest';
import type { Header } from '../../../src/core/formats.ts';
import { proofDigest, verifyLight } from '../../../src/core/pow/proof.ts';
import { replayFaults } from '../../../src/core/pow/replay.ts';
import { seedOf, tokensOf } from '../../../src/core/pow/seed.ts';
import { ticketLimits } from '../../../src/core/pow/transcript.ts';
import type { Backend, ModelPackage } from '../../../src/miner/engine/backend.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { createProof } from '../../../src/miner/engine/prove.ts';
import { admissionOf, checkModel } from '../../../src/miner/checker/checker.ts';
import { knownStep } from '../../../src/core/pow/known.ts';
import { selfTest } from '../../../src/miner/engine/self-test.ts';
import { plainStep } from '../../../src/miner/plain-step.ts';
import { backendContract } from '../../contracts/backend.contract.ts';
import { paramsFor, withTarget } from '../../core/header/params-for.ts';
import { blankHeader, EASIEST } from '../../oracle/forged-pass.ts';
import { interpretModel } from '../../oracle/interpret-onnx.ts';
import { readModel } from '../../oracle/models.ts';
import { firstSegment, modelOf } from '../small-model.ts';

describe('the CPU backend', () => backendContract(createCpuBackend, { units: 4, tiles: 12 }));

describe('a model that is only served', () => {
  const INT8 = { low: -127, high: 127 };
  const loud = modelOf(firstSegment((g, x) => g.clip(g.mul(x, g.number(3)), -127, 127)));
  const { linears } = loud.manifest;
  const declared = { ...loud.manifest, linears: linears.with(0, { ...linears[0]!, ...INT8 }) };
  const [shape] = declared.shapes;
  const known = shape!.known.map((_, i) =>
    plainStep({ ...loud, manifest: declared }, knownStep(declared, i + 1)),
  );
  const model = { ...loud, manifest: { ...declared, shapes: [{ ...shape!, known }] } };

  it('may have operands of eight bits, which no noise fits beside', async () => {
    expect(checkModel(model)).toBeUndefined();
    expect(admissionOf(model)).toMatchObject({ rule: 'admission' });
    const cpu = await createCpuBackend(model);
    await expect(selfTest(cpu, model)).resolves.toBeUndefined();
    const tokens = tokensOf(new Uint8Array(32), model.manifest);
    const { answer, captured } = await cpu.pass({
      tokens,
      sigma0: undefined,
      limits: [],
      capture: 1,
    });
    const wanted = interpretModel(model, tokens);
    expect(captured).toEqual(wanted.operands[0]);
    expect(Math.max(...captured!)).toBe(127);
    expect(answer).toEqual(wanted.answer);
    await cpu.close();
  });

  it('keeps to its bounds: a known answer of larger operands is another', async () => {
    const narrow = { ...model.manifest, linears: linears.with(0, { ...linears[0]!, high: 100 }) };
    expect(checkModel({ ...model, manifest: narrow })).toMatchObject({ rule: 'linear-range' });
  });
});

describe('from a header to a checked proof', () => {
  const params = withTarget(paramsFor('e2e'), EASIEST);
  let model: ModelPackage;
  let cpu: Backend;
  beforeAll(async () => {
    model = await readModel('tiny');
    cpu = await createCpuBackend(model);
    return () => cpu.close();
  });

  /** Mines with the easiest target: one pass in 16 wins. */
  async function mine() {
    const { manifest } = model;
    for (let nonce = 0n; nonce < 1000n; nonce++) {
      const core: Header = { ...blankHeader(), nonce };
      const sigma0 = seedOf(core);
      const limits = ticketLimits(EASIEST, manifest);
      const input = { tokens: tokensOf(sigma0, manifest), sigma0, limits };
      const { winner } = await cpu.pass(input);
      if (!winner) continue;
      const { linear } = winner;
      return { core, won: await cpu.pass({ ...input, stopAfter: linear, capture: linear }) };
    }
    throw new Error('no win in 1000 passes');
  }

  it('a win makes a proof that the light check and a replay take', async () => {
    const { core, won } = await mine();
    const proof = createProof(model, won);
    const header = { ...core, proofDigest: proofDigest(proof) };
    expect(verifyLight(params, header, proof, model.manifest)).toBeUndefined();
    expect(verifyLight(params, header, proof, model.manifest, model.weights)).toBeUndefined();
    expect(replayFaults({ proof, replayed: won })).toEqual([]);
  });
});

it('a model whose segments do not load or fit is refused', async () => {
  const model = await readModel('tiny');
  const refused = { code: 'MODEL_REFUSED' };
  const segments = [...model.segments];
  const broken = segments.with(1, segments[1]!.slice(0, 100));
  await expect(createCpuBackend({ ...model, segments: broken })).rejects.toMatchObject(refused);
  const crossed = segments.with(1, segments[2]!);
  await expect(createCpuBackend({ ...model, segments: crossed })).rejects.toMatchObject(refused);
});
