/** Long work of the processor lets the event loop run now and then. */
import { AppError } from '../../lib/errors.ts';

/** ms after which it does, because an abort may wait there. */
const YIELD_MS = 8;

/** Lets the event loop run where it is time. @throws AppError PASS_ABORTED once the signal has fired */
export type YieldFor = (signal: AbortSignal | undefined) => Promise<void>;

/** Lets the event loop deliver messages; a timer would wait 4 ms, and a promise alone delivers none. */
function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** One for all passes, so that many short passes in a row also let the event loop run. */
export function createYield(): YieldFor {
  let yieldedAt = performance.now();
  return async (signal) => {
    if (performance.now() - yieldedAt > YIELD_MS) {
      await nextTask();
      yieldedAt = performance.now();
    }
    if (signal?.aborted) throw new AppError('PASS_ABORTED', 'the pass was aborted');
  };
}
