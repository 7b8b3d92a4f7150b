/** The command line: `npm start -- [flags]`. One sentence and an exit code for whatever goes wrong. */
import { AppError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { HELP, parseOptions } from './options.ts';
import { startSeed } from './seed.ts';

const EXIT: Record<string, number> = {
  WRONG_FLAG: 2,
  PORT_BUSY: 3,
  PORT_REFUSED: 3,
  STORE_BUSY: 4,
  STORE_CORRUPT: 4,
  STORE_FOREIGN: 4,
  STORE_FAILED: 4,
  KEYS_CORRUPT: 4,
  DATA_REFUSED: 4,
};
/** ms that a clean stop may take. */
const STOP_MS_MAX = 10_000;

const log = createLog((line, level) => (level === 'error' ? console.error : console.log)(line));

function end(e: unknown): never {
  const error = AppError.from(e);
  const known = EXIT[error.code];
  console.error(`pila: ${error.message}`);
  if (error.code === 'WRONG_FLAG') console.error('pila: --help tells the flags');
  if (error.code === 'INTERNAL' && e instanceof Error) console.error(e.stack);
  process.exit(known ?? 1);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (!options) {
    console.log(HELP);
    return;
  }
  const seed = await startSeed(options, log, (reason) => end(new AppError('PART_DIED', reason)));
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info('stopping', { signal });
    setTimeout(() => end(new AppError('STOP_SLOW', 'did not stop in time')), STOP_MS_MAX).unref();
    seed.stop().then(() => process.exit(0), end);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  console.log(`\n  pila is ready: ${seed.appUrl}\n  JSON-RPC and /metrics: ${seed.rpcUrl}\n`);
}

await main().catch(end);
