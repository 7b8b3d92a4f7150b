/** Threads that verify signatures, so that a full block costs the seed's own thread none. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { VerifyElsewhere } from '../../chain/full/signature-check.ts';
import type { SignedTx } from '../../core/formats.ts';
import { connect, type RpcClient } from '../../lib/rpc.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { threadFailure, threadPort } from '../contributor/thread-port.ts';
import type { SignatureApi } from './signature-worker.ts';

/** One core is left to the seed's own thread. */
const LANES = Math.max(1, Math.min(4, availableParallelism() - 1));
/** Signatures of one call: some 50 ms of a core. */
const PER_CALL = 32;
/** Signatures that may wait: 50 full blocks, half a minute of one core. Blocks beyond verify their own. */
export const WAITING_MAX = 20_000;

export interface SignatureLanes {
  readonly verify: VerifyElsewhere;
  stop(): Promise<void>;
}

interface Lane {
  readonly worker: Worker;
  readonly api: RpcClient<SignatureApi>;
  /** Signatures that it was given and has not answered. */
  waiting: number;
}

export function startSignatureLanes(
  log: Log,
  count = LANES,
  waitingMax = WAITING_MAX,
): SignatureLanes {
  const lanes = Array.from({ length: count }, (): Lane => {
    const worker = new Worker(new URL('./signature-worker.ts', import.meta.url));
    const api = connect<SignatureApi>(threadPort(worker), { failed: threadFailure(worker) });
    return { worker, api, waiting: 0 };
  });
  let isStopped = false;
  const waiting = (): number => lanes.reduce((sum, lane) => sum + lane.waiting, 0);

  async function verifySome(
    genesis: Uint8Array,
    signed: readonly SignedTx[],
  ): Promise<readonly boolean[]> {
    const lane = lanes.reduce((a, b) => (b.waiting < a.waiting ? b : a));
    lane.waiting += signed.length;
    try {
      return await lane.api.verify(genesis, signed);
    } catch (e) {
      // A lane that died is given nothing more.
      if (lanes.includes(lane)) lanes.splice(lanes.indexOf(lane), 1);
      throw e;
    } finally {
      lane.waiting -= signed.length;
    }
  }

  return {
    async verify(genesis, signed) {
      if (!lanes.length || waiting() + signed.length > waitingMax) return undefined;
      const calls = [];
      try {
        for (let i = 0; i < signed.length; i += PER_CALL)
          calls.push(verifySome(genesis, signed.slice(i, i + PER_CALL)));
        return (await Promise.all(calls)).flat();
      } catch (e) {
        if (!isStopped) log.warn('signatures.lane', { error: AppError.from(e).message });
        return undefined;
      }
    },
    async stop() {
      isStopped = true;
      await Promise.all(lanes.splice(0).map(({ worker }) => worker.terminate()));
    },
  };
}
