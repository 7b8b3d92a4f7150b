/** Exit codes of the node and the miner: what the programs end with, what their help and docs/operate.md say. */
import type { ErrorCode } from '../lib/error-codes.ts';

interface Exit {
  readonly code: number;
  readonly means: string;
  /** Errors that end a program with it; all others end it with FAILED. */
  readonly errors: readonly ErrorCode[];
  /** Whether another start may do better with nothing changed. */
  readonly mends: boolean;
}

export const EXITS: readonly Exit[] = [
  { code: 0, means: 'stopped', errors: [], mends: false },
  { code: 1, means: 'failed', errors: [], mends: true },
  { code: 2, means: 'wrong flag', errors: ['WRONG_FLAG'], mends: false },
  { code: 3, means: 'TCP port busy', errors: ['PORT_BUSY', 'PORT_REFUSED'], mends: true },
  {
    code: 4,
    means: 'data folder busy, corrupt, foreign or unreadable',
    errors: [
      'STORE_BUSY',
      'STORE_CORRUPT',
      'STORE_FOREIGN',
      'STORE_FAILED',
      'KEYS_CORRUPT',
      'DATA_REFUSED',
    ],
    mends: false,
  },
];
const FAILED = 1;

export const exitOf = (error: ErrorCode): number =>
  EXITS.find(({ errors }) => errors.includes(error))?.code ?? FAILED;

const told = EXITS.map(({ code, means }) => `${code} ${means}`);
/** One sentence for the help. */
export const EXITS_HELP = `Exit codes: ${told.join('; ')}.`;
