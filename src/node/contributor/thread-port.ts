/** A worker thread as lib/rpc.ts takes one. */
import type { Worker } from 'node:worker_threads';
import type { Port } from '../../lib/rpc.ts';

/** A worker thread speaks through an event emitter; calls go over a MessagePort's interface. */
export const threadPort = (worker: Worker): Port => ({
  postMessage: (message, transfer) => worker.postMessage(message, transfer as never),
  addEventListener(type, listener) {
    if (type === 'message') worker.on('message', (data: unknown) => listener({ data }));
    if (type === 'messageerror') worker.on('messageerror', listener);
    if (type === 'close') worker.on('exit', listener);
  },
});

/** For `connect`'s `failed`: a worker thread that ends by an error. */
export const threadFailure = (worker: Worker) => (die: (reason: string) => void) =>
  void worker.on('error', (e) => die(String(e)));
