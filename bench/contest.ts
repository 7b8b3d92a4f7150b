/**
 * Contestants in turn on one machine: our plain and noisy pass, the float encoder of the same shape on
 * ONNX Runtime, and its products alone, float and int8. Only ratios within a round mean something.
 */
import * as ort from 'onnxruntime-web/webgpu';
import { unitLinears, type LinearSize } from '../src/core/manifest.ts';
import { encodeModel, floatTensor, node, valueInfo } from '../test/oracle/bert-onnx.ts';
import { encoderInputs } from '../test/oracle/encoder-inputs.ts';
import type { BrowserBackend } from '../test/browser/harness.ts';
import { writeEncoder, type Batch, type Encoder } from './encoders.ts';
import { cpuMs } from './measure.ts';
import { FROM_MEMORY, loadTransformers } from './transformers.ts';
import { createCpuRounds, type ModelName, type Round } from './pass-split.ts';

// Pinned as for mining: every contestant has one thread.
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

const [FLOAT, UINT8, INT8, INT32] = [1, 2, 3, 6];
const ZERO_POINT = 64;

/** One round: ms of what is not ours, stretches of ours. */
export interface ContestRound extends Round {
  /** The whole float encoder; in a browser by provider. */
  readonly float: Readonly<Partial<Record<'wasm' | 'webgpu' | 'transformers', number>>>;
  /** The linears alone in float32 MatMul, and in MatMulInteger (u8 with zero point 64, i8). */
  readonly floatProducts?: number;
  readonly integerProducts?: number;
  /** Wall time of our passes without stage clocks, where those wait for a device. */
  readonly wall?: { readonly plain: number; readonly noisy: number };
}

export interface Timed {
  /** Processor time, ms. */
  run(): Promise<number>;
  close(): Promise<void>;
}

function timed(run: () => Promise<unknown>, close: () => Promise<unknown>): Timed {
  return {
    async run() {
      const started = cpuMs();
      await run();
      return cpuMs() - started;
    },
    async close() {
      await close();
    },
  };
}

type Runs = readonly {
  readonly session: ort.InferenceSession;
  readonly feeds: ort.InferenceSession.FeedsType;
}[];
const timedSessions = (runs: Runs): Timed =>
  timed(
    async () => {
      for (const { session, feeds } of runs) await session.run(feeds);
    },
    async () => {
      for (const { session } of runs) await session.release();
    },
  );

/** The encoder's inputs as tensors of a library. */
function feedsOf<T>(
  { sequences, tokens, shape }: Pick<Encoder, 'shape' | 'sequences' | 'tokens'>,
  tensor: (ids: BigInt64Array, dims: [number, number]) => T,
): Record<string, T> {
  const inputs = encoderInputs([sequences, tokens], shape.vocabulary);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, ids]) => [name, tensor(ids, [sequences, tokens])]),
  );
}

const wasm = { executionProviders: ['wasm'] };

/** One x·B of a linear's shape, B constant, as ONNX Runtime has it in each type. */
function productFile({ m, k, n }: LinearSize, integer: boolean): Uint8Array {
  const b = Float32Array.from({ length: k * n }, (_, i) => ((i * 37) % 127) - 63);
  const bytes = (name: string, type: number, dims: number[], data: Uint8Array) =>
    [...dims.map((d) => [1, d] as const), [2, type], [8, name], [9, data]] as const;
  const zero = bytes('zero', UINT8, [], Uint8Array.of(ZERO_POINT));
  const table = integer
    ? bytes('b', INT8, [k, n], new Uint8Array(Int8Array.from(b).buffer))
    : floatTensor('b', [k, n], b);
  return encodeModel({
    nodes: [
      integer ? node('MatMulInteger', ['x', 'b', 'zero'], 'y') : node('MatMul', ['x', 'b'], 'y'),
    ],
    constants: integer ? [table, zero] : [table],
    inputs: [valueInfo('x', integer ? UINT8 : FLOAT, [m, k])],
    outputs: [valueInfo('y', integer ? INT32 : FLOAT, [m, n])],
  });
}

async function createProducts(linears: readonly LinearSize[], integer: boolean): Promise<Timed> {
  const runs = [];
  for (const l of linears) {
    const session = await ort.InferenceSession.create(productFile(l, integer), wasm);
    const size = [l.m, l.k];
    const values = Uint8Array.from({ length: l.m * l.k }, (_, i) => (i * 29) % 128);
    const x = integer
      ? new ort.Tensor('uint8', values, size)
      : new ort.Tensor('float32', Float32Array.from(values), size);
    runs.push({ session, feeds: { x } });
  }
  return timedSessions(runs);
}

/** @param batch what it is run on, if not on a unit of the encoder */
export async function createFloat(encoder: Encoder, batch: Batch = encoder): Promise<Timed> {
  const session = await ort.InferenceSession.create(encoder.float, wasm);
  const feeds = feedsOf(
    { ...encoder, ...batch },
    (ids, dims) => new ort.Tensor('int64', ids, dims),
  );
  return timedSessions([{ session, feeds }]);
}

/** The same file through @huggingface/transformers. */
async function createTransformers(encoder: Encoder): Promise<Timed> {
  const { float, shape } = encoder;
  const { hidden, layers, heads, vocabulary, ffn } = shape;
  const config = {
    model_type: 'bert',
    architectures: ['BertModel'],
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    vocab_size: vocabulary,
    intermediate_size: ffn,
  };
  const { AutoModel, Tensor } = await loadTransformers({
    'config.json': JSON.stringify(config),
    'onnx/model.onnx': float.slice(),
  });
  const model = await AutoModel.from_pretrained(shape.name.replace('/', '-'), FROM_MEMORY);
  const feeds = feedsOf(encoder, (ids, dims) => new Tensor('int64', ids, dims));
  return timed(
    () => model(feeds),
    () => model.dispose(),
  );
}

/** Rounds that compile and warm up. */
const WARM = 2;

/** On the CPU in this process. */
export async function contestOnCpu(encoder: Encoder, rounds: number): Promise<ContestRound[]> {
  const linears = unitLinears(encoder.model.manifest);
  const ours = await createCpuRounds(encoder.model);
  const float = await createFloat(encoder);
  const transformers = await createTransformers(encoder);
  const floatProducts = await createProducts(linears, false);
  const integerProducts = await createProducts(linears, true);
  const found: ContestRound[] = [];
  for (let i = -WARM; i < rounds; i++) {
    const round = {
      float: { wasm: await float.run(), transformers: await transformers.run() },
      ...(await ours.round(i)),
      floatProducts: await floatProducts.run(),
      integerProducts: await integerProducts.run(),
    };
    if (i >= 0) found.push(round);
  }
  for (const each of [ours, float, transformers, floatProducts, integerProducts])
    await each.close();
  return found;
}

/** In Chromium: ours on WebGPU, the float encoder on both providers. */
export async function contestInBrowser(
  browser: BrowserBackend,
  encoder: Encoder,
  rounds: number,
): Promise<{ device: string; rounds: ContestRound[] }> {
  const name = writeEncoder(encoder) as ModelName;
  const dims = [encoder.sequences, encoder.tokens] as const;
  const device = await browser.call('open', name);
  for (const provider of ['wasm', 'webgpu'] as const)
    await browser.call('openFloat', `${name}/float.onnx`, provider);
  const walls: Pick<ContestRound, 'float' | 'wall'>[] = [];
  for (let i = -1; i < rounds; i++) {
    const webgpu = await browser.call('runFloat', 'webgpu', dims);
    const { plain, noisy } = await browser.call('round', i & 0xff);
    const onWasm = await browser.call('runFloat', 'wasm', dims);
    if (i >= 0)
      walls.push({ float: { webgpu, wasm: onWasm }, wall: { plain: plain.ms, noisy: noisy.ms } });
  }
  await browser.call('close');
  await browser.call('open', name, { stages: true });
  const found: ContestRound[] = [];
  for (const [i, wall] of walls.entries()) {
    const { plain, noisy } = await browser.call('round', i);
    found.push({ ...wall, plain: plain.stretches, noisy: noisy.stretches });
  }
  await browser.call('close');
  return { device, rounds: found };
}
