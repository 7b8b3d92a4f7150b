/** The browser's miner worker: models and devices, nothing else. With the name `lane` it serves one lane. */
import { workerFailure, type Port } from '../../lib/rpc.ts';
import { serveLane, type LaneWorker } from '../cpu/lanes.ts';
import { configureOrt } from './ort-place.ts';
import { serveMiner } from './serve.ts';
import { createWebgpuBackend } from '../webgpu/webgpu.ts';

const LANE = 'lane';
const port = self as unknown as Port;

function startLane(): LaneWorker {
  const worker = new Worker(self.location.href, { type: 'module', name: LANE });
  return { port: worker, failed: workerFailure(worker), end: () => worker.terminate() };
}

if (self.name === LANE) serveLane(port);
else
  serveMiner(port, {
    configure: ({ ortBase }) => configureOrt({ wasmPaths: ortBase }),
    createWebgpu: 'gpu' in navigator ? createWebgpuBackend : undefined,
    startLane,
  });
