/** Starts a thread for tokenisers in Node. */
import { Worker } from 'node:worker_threads';
import type { StartedTokens, TokenApi } from '../client/models/token-thread.ts';
import { connect } from '../lib/rpc.ts';
import { threadFailure, threadPort } from './contributor/thread-port.ts';

export function startTokens(): StartedTokens {
  const worker = new Worker(new URL('./tokens-worker.ts', import.meta.url));
  const api = connect<TokenApi>(threadPort(worker), { failed: threadFailure(worker) });
  // A program that has nothing else to do ends with it. After the listeners: they would hold it again.
  worker.unref();
  return { api, stop: () => void worker.terminate() };
}
