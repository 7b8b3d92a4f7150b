/**
 * Runs a command of the terminal: a log, one sentence and an exit code for any failure, and a clean stop at a signal.
 */
import { AppError } from '../lib/errors.ts';
import { createLog, type Log } from '../lib/log.ts';
import { exitOf } from './exits.ts';

/** ms that a clean stop may take. */
const STOP_MS_MAX = 10_000;
/** ms in which a signal counts once: a terminal sends it to npm too, and npm passes it on a second time. */
const ONCE_MS = 1000;
/** Characters of a sentence: a path of the system's longest fits, what another computer wrote may be longer. */
const SENTENCE_CHARS_MAX = 5000;

/** Errors go to standard error, all else to standard output. */
export const terminalLog = (): Log =>
  createLog((line, level) => (level === 'error' ? console.error : console.log)(line));

/** In one line, without characters that a terminal acts on: sentences hold what people and peers wrote. */
export function shownText(text: string): string {
  const short = text.length > SENTENCE_CHARS_MAX ? `${text.slice(0, SENTENCE_CHARS_MAX)}…` : text;
  return short.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => {
    const code = c.codePointAt(0)!.toString(16).padStart(4, '0');
    return code.length > 4 ? `\\u{${code}}` : `\\u${code}`;
  });
}

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
  // Where a line cannot be written, because the disk is full or nobody reads the log, that line alone is lost.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  // Starting takes seconds: during the start a signal has nothing to stop yet.
  let running: Running | undefined;
  const fail = (e: unknown): never => {
    const error = AppError.from(e);
    if (running) log.error('failed', { code: error.code, exit: exitOf(error.code) });
    console.error(`${name}: ${shownText(error.message)}`);
    if (error.code === 'WRONG_FLAG') console.error(`${name}: --help lists the flags`);
    if (error.code === 'INTERNAL' && e instanceof Error)
      for (const line of (e.stack ?? '').split('\n')) console.error(shownText(line));
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
