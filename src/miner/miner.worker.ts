/** The browser's miner worker: ONNX Runtime, the GPU, and nothing else. */
import type { Port } from '../lib/rpc.ts';
import { configureOrt } from './segments.ts';
import { serveMiner } from './serve.ts';
import { createWebgpuBackend } from './webgpu.ts';

serveMiner(self as unknown as Port, {
  configure: ({ ortBase }) => configureOrt({ wasmPaths: ortBase }),
  createWebgpu: 'gpu' in navigator ? createWebgpuBackend : undefined,
});
