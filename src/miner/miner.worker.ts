/** The browser's miner worker: ONNX Runtime, the GPU, and nothing else. */
import { AppError } from '../lib/errors.ts';
import type { Port } from '../lib/rpc.ts';
import { configureOrt } from './segments.ts';
import { serveMiner } from './serve.ts';
import { createWebgpuBackend } from './webgpu.ts';

/** Bytes of one package file: more is not ours. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

async function read(modelBase: string, path: string): Promise<Uint8Array> {
  const response = await fetch(new URL(path, modelBase)).catch((cause: unknown) => {
    throw new AppError('MODEL_MISSING', `${path} cannot be fetched`, { cause });
  });
  if (!response.ok) throw new AppError('MODEL_MISSING', `${path}: HTTP ${response.status}`);
  const length = Number(response.headers.get('content-length') ?? 0);
  if (length > FILE_BYTES_MAX) throw new AppError('MODEL_CORRUPT', `${path} has ${length} bytes`);
  return new Uint8Array(await response.arrayBuffer());
}

serveMiner(self as unknown as Port, {
  read,
  configure: ({ ortBase }) => configureOrt({ wasmPaths: ortBase }),
  createWebgpu: 'gpu' in navigator ? createWebgpuBackend : undefined,
});
