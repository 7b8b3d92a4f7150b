/** Adapts a worker thread to the Port of lib/rpc.ts. */
import type { Worker } from 'node:worker_threads';
import type { Port } from '../../lib/rpc.ts';

/** A worker thread is an event emitter; lib/rpc.ts needs the interface of a MessagePort. */
export const threadPort = (worker: Worker): Port => ({
  postMessage: (message, transfer) => worker.postMessage(message, transfer as never),
  addEventListener(type, listener) {
    if (type === 'message') worker.on('message', (data: unknown) => listener({ data }));
    if (type === 'messageerror') worker.on('messageerror', listener);
    if (type === 'close') worker.on('exit', listener);
  },
});

/** Argument `failed` of `connect` for a worker thread: it reports that the thread ended by an error. */
export const threadFailure = (worker: Worker) => (die: (reason: string) => void) =>
  void worker.on('error', (e) => die(String(e)));
