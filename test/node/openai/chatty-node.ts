/** The `/v1` of a node that holds a generated language model, over HTTP, with a real miner thread and no chain. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAnswerer, type Answerer } from '../../../src/client/mining/answerer.ts';
import { openPackageStore, type PackageStore } from '../../../src/client/models/package-store.ts';
import type { PartSource } from '../../../src/client/models/part-sources.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { MINER_OFF } from '../../../src/miner/engine/miner-api.ts';
import { createMemoryParts } from '../../../src/miner/package/part-store.ts';
import { startMinerThread } from '../../../src/node/contributor/miner-thread.ts';
import { ownCallers } from '../../../src/node/http/caller.ts';
import { createHttp, listen } from '../../../src/node/http/http.ts';
import { createInference, type Inference } from '../../../src/node/http/inference.ts';
import { inferRoutes } from '../../../src/node/http/infer-routes.ts';
import type { AskPaid } from '../../../src/node/http/paid-inference.ts';
import { OPERATOR } from '../../../src/node/http/spending.ts';
import { createPackagedParts, MODEL_FOLDER } from '../../../src/node/packaged-parts.ts';
import { findServing } from '../../../src/node/served/served-folders.ts';
import { writeChatty } from '../../models/chatty.ts';

export interface ChattyNode {
  readonly url: string;
  readonly model: Uint8Array;
  readonly manifest: Manifest;
  readonly packages: PackageStore;
  readonly inference: Inference;
  readonly answerer: Answerer;
  /** Tokens that were read of answers, and answers that are read now. */
  readonly counts: { tokens: number; running: number };
  /** What each token waits for before it is told. @param pace gets the signal that ends the answer */
  setPace(pace: (signal: AbortSignal) => Promise<void>): void;
  /** What asks providers; at first nobody is asked. */
  setPaid(askPaid: AskPaid): void;
  stop(): Promise<void>;
}

/** @param elsewhere it holds no package, knows the model by name, and gets files from there. @param filesMs see createInference */
export async function startChattyNode(
  elsewhere?: readonly PartSource[],
  filesMs?: number,
): Promise<ChattyNode> {
  const folder = mkdtempSync(join(tmpdir(), 'pila-chatty-'));
  const chatty = join(folder, 'chatty');
  const { manifest, id: model } = writeChatty(chatty).model;
  const served = await findServing([chatty]);
  const packages = await openPackageStore({
    models: new Map(),
    served: served.map(({ said }) => said),
    store: elsewhere
      ? createMemoryParts()
      : await createPackagedParts(new Map(), createMemoryParts(), MODEL_FOLDER, served),
    sources: () => elsewhere ?? [],
    roundWaitMs: 1,
    onChange: () => undefined,
  });
  const thread = await startMinerThread(
    (id) => packages.load(id),
    () => undefined,
  );
  let status = MINER_OFF;
  thread.miner.on('status', (told) => (status = told));
  const answerer = createAnswerer({
    async workerWith(id) {
      await thread.ensure(id);
      return thread.miner;
    },
    status: () => status,
    noteFailure: () => undefined,
  });
  let pace: Parameters<ChattyNode['setPace']>[0] = async () => undefined;
  const counts = { tokens: 0, running: 0 };
  const counted: Pick<Answerer, 'generate'> = {
    async *generate(job) {
      counts.running++;
      try {
        for await (const made of answerer.generate(job)) {
          counts.tokens++;
          await pace(job.signal);
          yield made;
        }
      } finally {
        counts.running--;
      }
    },
  };
  const inference = createInference({ packages, ...(filesMs !== undefined && { filesMs }) });
  let askPaid: AskPaid = async () => {
    throw new AppError('MODEL_UNOFFERED', 'nobody offers here');
  };
  const { rpc } = inferRoutes(inference, {
    rpcHost: '127.0.0.1',
    callers: ownCallers,
    requireKey: () => OPERATOR,
    askPaid: (question, call) => askPaid(question, call),
    answerer: counted,
    isHere: (id) => packages.isWhole(toHex(id)),
    priceOf: async ({ id }) => ({
      isHere: packages.isWhole(toHex(id)),
      asked: undefined,
      most: 7n,
    }),
  });
  const { server }: { server: Server } = createHttp(rpc);
  const port = await listen(server, '127.0.0.1', 0);
  return {
    url: `http://127.0.0.1:${port}/`,
    model,
    manifest,
    packages,
    inference,
    answerer,
    counts,
    setPace: (to) => (pace = to),
    setPaid: (asks) => (askPaid = asks),
    async stop() {
      server.closeAllConnections();
      server.close();
      await thread.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The events of an answer: each as JSON, but for the last word. */
export async function eventsOf(response: Response): Promise<any[]> {
  const text = await response.text();
  const lines = text.split('\n\n').filter((line) => line);
  return lines.map((line) => {
    const data = line.replace(/^data: /, '');
    return data === '[DONE]' ? data : JSON.parse(data);
  });
}
