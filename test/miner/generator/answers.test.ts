/** Of a generator an answer has a row for each token: whoever makes, checks or hands on answers counts so. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finishedManifest } from '../../../models/finish.ts';
import { requireShapes } from '../../../models/agree.ts';
import { modelId } from '../../../src/core/manifest.ts';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import { concat } from '../../../src/lib/bytes.ts';
import { checkModel } from '../../../src/miner/checker/checker.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { withLanes } from '../../../src/miner/cpu/lanes.ts';
import { Answering } from '../../../src/miner/engine/answering.ts';
import type { Backend, ModelPackage } from '../../../src/miner/engine/backend.ts';
import { selfTest } from '../../../src/miner/engine/self-test.ts';
import { Throttle } from '../../../src/miner/engine/throttle.ts';
import { memoryStore } from '../../../src/miner/engine/trust/device-store.ts';
import { runPlain } from '../../../src/miner/engine/unit.ts';
import { startLane } from '../../../src/node/contributor/lane-thread.ts';
import { DECODER_SMALL, decoderPackage } from '../../models/decoder.ts';
import { interpretStep } from '../../oracle/interpret-onnx.ts';
import { createOracle } from '../../oracle/oracle-backend.ts';
import { randomBytes } from '../../oracle/random.ts';
import { firstSegment, lastOfGenerator, lastSegment, modelOf } from '../small-model.ts';

const PATIENCE_MS = 120_000;
const finished = (draft: ModelPackage): ModelPackage => {
  const manifest = finishedManifest(draft);
  return { ...draft, manifest, id: modelId(manifest) };
};

describe('the dimensions of an answer', () => {
  const first = firstSegment((_, x) => x);

  it('are rows of tokens of a generator, in every shape', () => {
    const model = finished(modelOf(first, { kind: 'generator', others: [1, 16] }));
    expect(checkModel(model)).toBeUndefined();
  });

  it.each([
    ['a generator with a row a sequence', 'generator', lastSegment(), '[2,16], not [16,16]'],
    ['an encoder with a row a token', 'encoder', lastOfGenerator(), '[16,16], not [2,16]'],
  ] as const)('refused: %s', (_, kind, last, dims) => {
    const refused = checkModel(modelOf(first, { kind, last }));
    expect(refused).toMatchObject({ rule: 'shape' });
    expect(refused?.sentence).toContain(`'answer' is ${dims}`);
  });
});

describe.each([false, true])('a decoder on the CPU, on ONNX Runtime alone: %s', (runtimeOnly) => {
  const { sequences, tokens: length, hidden, vocabulary } = DECODER_SMALL;
  const model = decoderPackage(DECODER_SMALL, true);
  const tokens = Uint32Array.from(
    new Uint16Array(randomBytes('a decoder', 2 * sequences * length).buffer),
    (x) => 1 + (x % (vocabulary - 1)),
  );
  const plain = { tokens, sigma0: undefined, limits: [], answerOnly: true };
  let backend: Backend;
  let wanted: Int8Array;
  beforeAll(async () => {
    backend = await createCpuBackend(model, { runtimeOnly });
    const oracle = await createOracle(model);
    wanted = (await oracle.pass(plain)).answer;
    await oracle.close();
  }, PATIENCE_MS);
  afterAll(() => backend?.close());

  it(
    'gives the rows of all its tokens, and every known answer',
    { timeout: PATIENCE_MS },
    async () => {
      expect(wanted).toHaveLength(sequences * length * hidden);
      expect((await backend.pass(plain)).answer).toEqual(wanted);
      const part = { ...plain, tokens: tokens.slice(length) };
      expect((await backend.pass(part)).answer).toEqual(wanted.slice(length * hidden));
      await selfTest(backend, model);
      const { known } = model.manifest.shapes[0]!;
      expect(interpretStep(model, known.length)).toEqual(known.at(-1));
      const shapes = [{ ...model.manifest.shapes[0]!, known: known.with(-1, ZERO_HASH) }];
      const other = { ...model, manifest: { ...model.manifest, shapes } };
      await expect(selfTest(backend, other)).rejects.toMatchObject({ code: 'SELF_TEST_FAILED' });
    },
  );

  it('gives the rows of the first tokens alone, and what is behind them follows from nothing else', async () => {
    const [rows, other] = [13, tokens.slice(length)];
    const own = { ...plain, tokens: tokens.slice(0, length), rows };
    const operands: Int8Array[][] = [];
    for (const before of [tokens, other, tokens.map((x) => (x * 7) % vocabulary)]) {
      await backend.pass({ ...plain, tokens: before.slice(0, length) });
      const seen: Int8Array[] = [];
      const { answer } = await backend.pass({ ...own, onOperand: (_, a) => seen.push(a) });
      expect(answer.subarray(0, rows * hidden)).toEqual(wanted.subarray(0, rows * hidden));
      operands.push(seen);
    }
    expect(operands[1]).toEqual(operands[0]);
    expect(operands[2]).toEqual(operands[0]);
    expect(operands[0]!.length).toBe(model.manifest.linears.length);
  });

  it('shares its sequences among lanes', { timeout: PATIENCE_MS }, async () => {
    const parts = { model, runtimeOnly, verdicts: memoryStore(), onLost: () => undefined };
    const lanes = await withLanes(backend, 2, startLane, parts);
    expect(lanes.lanes).toBe(2);
    expect((await lanes.pass(plain)).answer).toEqual(wanted);
    await lanes.close();
  });
});

describe('a question of sequences in several shapes', () => {
  const model = finished(
    modelOf(
      firstSegment((_, x) => x),
      { kind: 'generator', others: [1] },
    ),
  );
  // The first needs the shape of 16 tokens, the second that of 8.
  const input = randomBytes('a question', 16 + 5);
  let backend: Backend;
  let wanted: readonly Uint8Array[];
  beforeAll(async () => {
    backend = await createCpuBackend(model);
    const run = async (shape: number, part: Uint8Array): Promise<Uint8Array> => {
      const tokens = new Uint32Array(shape ? 16 : 8);
      tokens.set(Uint32Array.from(part, (byte) => byte + 1));
      const { answer } = await backend.pass({ shape, tokens, sigma0: undefined, limits: [] });
      return Uint8Array.from(answer);
    };
    wanted = [await run(1, input.subarray(0, 16)), await run(0, input.subarray(16))];
    expect(wanted.map((rows) => rows.length)).toEqual([16 * 16, 8 * 16]);
  }, PATIENCE_MS);
  afterAll(() => backend?.close());

  it('has the rows of each in its own', async () => {
    expect(await runPlain(model, backend, input)).toEqual(concat(...wanted));
    expect(await requireShapes(model, backend)).toContain('one answer');
  });

  it('has them of each where it shares passes', async () => {
    const answering = new Answering({
      modelOf: () => model,
      place: () => ({ model, device: backend, cpu: backend }),
      width: () => 1,
      isMining: () => false,
      throttle: new Throttle(() => 0),
      nowMs: () => 0,
      onFault: () => expect.fail('a fault'),
      onStatus: () => undefined,
    });
    const job = { model: model.id, input, rank: 'own' } as const;
    const short = { ...job, input: input.subarray(16) };
    const [rows, again] = await Promise.all([answering.answer(1, job), answering.answer(2, short)]);
    expect(rows).toEqual(wanted);
    expect(again).toEqual([wanted[1]]);
  });
});
