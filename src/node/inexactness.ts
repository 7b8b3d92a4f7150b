/** Where code of ours gave a wrong step on this computer (EXACTNESS_LOST): told once in the log, kept for `/health`. */
import type { Log } from '../lib/log.ts';
import type { Inexact, MinerStatus } from '../miner/engine/miner-api.ts';

export interface Inexactness {
  /** Takes notice of a miner's status. */
  note(status: Pick<MinerStatus, 'inexact'>): void;
  /** Undefined: none was found. */
  last(): Inexact | undefined;
}

export function createInexactness(log: Pick<Log, 'warn'>): Inexactness {
  let last: Inexact | undefined;
  const isKnown = ({ backend, model, step }: Inexact): boolean =>
    last?.backend === backend && last.model === model && last.step === step;
  return {
    note({ inexact }) {
      if (!inexact || isKnown(inexact)) return;
      last = inexact;
      log.warn('problem', { code: 'EXACTNESS_LOST', ...inexact });
    },
    last: () => last,
  };
}
