/**
 * `npm run -s bench:memory`: what a model takes on each backend, in MB. Each row is a process of its own
 * that loads the package, builds the backend and runs a plain pass, then a noisy one. WebGPU is Dawn's in
 * Node, on the machine's GPU or Chromium's software device, whose buffers lie in the process too.
 *
 *   npm run -s bench:memory -- [--models tiny,lingua,384,768,1024,bert] [--backends cpu,webgpu] [--dry]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { heldPlaces, unitShape } from '../src/core/manifest.ts';
import { tokensOf } from '../src/core/pow/seed.ts';
import type { ModelPackage } from '../src/miner/engine/backend.ts';
import { createCpuBackend } from '../src/miner/cpu/cpu.ts';
import {
  packageOf,
  parseManifest,
  segmentFile,
  tableFile,
  WEIGHTS_FILE,
} from '../src/miner/package/package.ts';
import { createWebgpuBackend } from '../src/miner/webgpu/webgpu.ts';
import { openGpu } from '../test/gpu.ts';
import { createEncoder, SHAPES, writeEncoder } from './encoders.ts';
import { tableOf } from './side-by-side.ts';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 'tiny,lingua,384,768,1024,bert' },
    backends: { type: 'string', default: 'cpu,webgpu' },
    /** Of a row's own process: folder below models/ and backend. */
    row: { type: 'string' },
    /** Print only. */
    dry: { type: 'boolean', default: false },
  },
});
/** Rows of a unit of the generated shapes. */
const ROWS = 256;
/** What a worker that mines may take at most, beyond the engine's own. */
const boundOf = (weights: number): number => 1.5 * weights + 100e6;

interface Figures {
  /** Weights of the linears, and the ONNX segments with theirs. */
  readonly weights: number;
  readonly segments: number;
  /** What the backend made itself; on WebGPU with the linears' weights. */
  readonly own: number;
  /** All buffers of the device at once at most, ONNX Runtime's included, after each kind of pass. */
  readonly plain: number;
  readonly noisy: number;
  /** ONNX Runtime's WebAssembly memory, which never shrinks. */
  readonly runtime: number;
  /** Most bytes of the process before the package is loaded, before the backend is made, and at last. */
  readonly peakBare: number;
  readonly peakBefore: number;
  readonly peak: number;
}

/** Bytes of all memories made from now on: ONNX Runtime, which keeps its own to itself, makes one. */
function watchMemories(): () => number {
  const memories: WebAssembly.Memory[] = [];
  WebAssembly.Memory = class extends WebAssembly.Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      memories.push(this);
    }
  };
  return () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}

/** Bytes of a device's buffers at most at one time. */
function watchBuffers(device: GPUDevice): () => number {
  let [now, most] = [0, 0];
  const { createBuffer } = device;
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer.call(device, descriptor);
    const { destroy } = buffer;
    let { size } = buffer;
    most = Math.max(most, (now += size));
    buffer.destroy = () => {
      now -= size;
      size = 0;
      return destroy.call(buffer);
    };
    return buffer;
  };
  return () => most;
}

/** Most bytes of this process. What Linux tells of a process's resources begins with its parent's. */
function peakBytes(): number {
  const { maxRSS } = process.resourceUsage();
  if (process.platform !== 'linux') return 1024 * maxRSS;
  const status = readFileSync('/proc/self/status', 'utf8');
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? maxRSS);
}
const sizeOf = (parts: readonly Uint8Array[] | readonly Int8Array[]): number =>
  parts.reduce((sum, { byteLength }) => sum + byteLength, 0);

async function openBackend(model: ModelPackage, kind: string) {
  if (kind === 'cpu') return { backend: await createCpuBackend(model), buffers: () => 0 };
  const adapter = await (await openGpu())?.gpu.requestAdapter();
  if (!adapter) throw new Error('no WebGPU adapter in this Node');
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const requiredLimits = { maxBufferSize, maxStorageBufferBindingSize };
  const device = await adapter.requestDevice({ requiredLimits });
  const buffers = watchBuffers(device);
  return { backend: await createWebgpuBackend(model, { device }), buffers };
}

/** A package whose weights come linear by linear, as a worker gets them: nothing is held twice. */
async function loadByFile(folder: string): Promise<ModelPackage> {
  const read = async (file: string): Promise<Uint8Array> =>
    new Uint8Array(await readFile(join(folder, file)));
  const manifest = parseManifest(await read('manifest.json'));
  const { segments } = unitShape(manifest);
  const files: Uint8Array[] = [];
  for (const i of segments.keys()) files.push(await read(segmentFile(i)));
  for (const i of manifest.tables.keys()) files.push(await read(tableFile(i)));
  const weights = await open(join(folder, WEIGHTS_FILE));
  for (const i of heldPlaces(manifest)) {
    const { k, n } = manifest.linears[i]!;
    const part = new Uint8Array(k * n);
    await weights.read(part, 0, part.length);
    files.push(part);
  }
  await weights.close();
  return packageOf(manifest, files);
}

async function measure(name: string, kind: string): Promise<Figures> {
  const runtime = watchMemories();
  const peakBare = peakBytes();
  const folder = join(import.meta.dirname, '../models', name);
  const model = await loadByFile(folder);
  const peakBefore = peakBytes();
  const { backend, buffers } = await openBackend(model, kind);
  const sigma0 = new Uint8Array(32).fill(7);
  const tokens = tokensOf(sigma0, model.manifest);
  const limits = model.manifest.linears.map(() => 0n);
  await backend.pass({ tokens, sigma0: undefined, limits: [] });
  const plain = buffers();
  await backend.pass({ tokens, sigma0, limits });
  return {
    weights: sizeOf(model.weights),
    segments: sizeOf(model.segments),
    peakBare,
    peakBefore,
    own: backend.memoryBytes(),
    plain,
    noisy: buffers(),
    runtime: runtime(),
    peak: peakBytes(),
  };
}

if (values.row) {
  const [name, kind] = values.row.split(' ') as [string, string];
  console.log(JSON.stringify(await measure(name, kind)));
  process.exit(0);
}

const HEAD = [
  ...['model', 'backend', 'weights', 'segments', 'own memory', 'all GPU buffers, plain', '… noisy'],
  ...["ONNX Runtime's wasm memory", 'process bare', 'process before', 'process at most'],
  ...['more than bare', '1.5 × weights + 100'],
];
const megabytes = (bytes: number): string => (bytes ? (bytes / 1e6).toFixed(1) : '–');

function rowOf(name: string, kind: string): string[] {
  const args = [import.meta.filename, '--row', `${name} ${kind}`];
  const text = execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const f = JSON.parse(String(text).trim().split('\n').at(-1)!) as Figures;
  const cells = [f.weights, f.segments, f.own, f.plain, f.noisy, f.runtime];
  const memory = [f.peakBare, f.peakBefore, f.peak, f.peak - f.peakBare, boundOf(f.weights)];
  return [...cells, ...memory].map(megabytes);
}

const rows: string[][] = [];
for (const key of values.models.split(',')) {
  const shape = key === 'lingua' ? undefined : SHAPES[key];
  const name = shape ? writeEncoder(await createEncoder(shape, ROWS)) : key;
  const label = shape ? `${shape.name}, m = ${ROWS}` : key;
  for (const kind of values.backends.split(',')) {
    // Software takes minutes for a whole encoder.
    if (key === 'bert' && kind !== 'cpu') continue;
    rows.push([label, kind, ...rowOf(name, kind)]);
    console.error(rows.at(-1)!.join(' | '));
  }
}
const report = [
  '# Memory of each backend, MB',
  '',
  `\`npm run -s bench:memory -- --models ${values.models} --backends ${values.backends}\``,
  '',
  ...tableOf(HEAD, rows),
].join('\n');
console.log(report);
if (!values.dry) {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(join(import.meta.dirname, `results/${date}-memory.md`), `${report}\n`);
}
