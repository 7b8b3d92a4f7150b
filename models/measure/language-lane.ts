/** Threads that measure: each has a pair of models of its own. */
import { Worker } from 'node:worker_threads';
import { connect } from '../../src/lib/rpc.ts';
import { threadFailure, threadPort } from '../../src/node/contributor/thread-port.ts';
import type { LaneApi, PairFiles } from './language-files.ts';
import type { Lane } from './language.ts';

export interface OpenLane extends Lane {
  end(): Promise<unknown>;
}

/** @throws AppError as `openFiles`, WORKER_DIED */
export async function startLane(files: PairFiles): Promise<OpenLane> {
  const worker = new Worker(new URL('./language-worker.ts', import.meta.url));
  const lane = connect<LaneApi>(threadPort(worker), { failed: threadFailure(worker) });
  const end = () => worker.terminate();
  try {
    await lane.open(files);
  } catch (e) {
    await end();
    throw e;
  }
  return { compare: lane.compare, answers: lane.answers, end };
}
