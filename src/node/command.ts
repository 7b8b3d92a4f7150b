/** Runs a command of the terminal: one sentence and an exit code for any failure, and a clean stop at a signal. */
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { exitOf } from './exits.ts';

/** ms that a clean stop may take. */
const STOP_MS_MAX = 10_000;
/** ms in which a signal counts once: a terminal sends it to npm too, and npm passes it on a second time. */
const ONCE_MS = 1000;

export interface Running {
  stop(): Promise<unknown>;
}

/**
 * Runs until SIGINT or SIGTERM, then exits with 0; a second signal exits without waiting. `start` returns
 * undefined when there is nothing to run, and its argument `fail` ends the running command.
 */
export async function runCommand(
  name: string,
  log: Log,
  start: (fail: (e: unknown) => never) => Promise<Running | undefined>,
): Promise<void> {
  // Starting takes seconds: during the start a signal has nothing to stop yet.
  let running: Running | undefined;
  const fail = (e: unknown): never => {
    const error = AppError.from(e);
    if (running) log.error('failed', { code: error.code, exit: exitOf(error.code) });
    console.error(`${name}: ${error.message}`);
    if (error.code === 'WRONG_FLAG') console.error(`${name}: --help lists the flags`);
    if (error.code === 'INTERNAL' && e instanceof Error) console.error(e.stack);
    process.exit(exitOf(error.code));
  };
  let stopping: number | undefined;
  const stop = (): void => {
    if (stopping !== undefined) {
      if (performance.now() - stopping > ONCE_MS) process.exit(1);
      return;
    }
    stopping = performance.now();
    const slow = new AppError('STOP_SLOW', 'did not stop in time');
    setTimeout(() => fail(slow), STOP_MS_MAX).unref();
    void Promise.resolve(running?.stop()).then(() => process.exit(0), fail);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    running = await start(fail);
  } catch (e) {
    if (stopping === undefined) fail(e);
  }
}
