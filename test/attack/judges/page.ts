/**
 * In the page: starts the built client's worker as the app does, and gives it a wire for a transport over the port
 * that the app uses where libp2p runs on the page. Bytes cross to the attack as hex.
 */
import type { ClientConfig } from '../../../src/client/api.ts';
import type { WorkerApi, WorkerEvents } from '../../../src/client/browser-tabs/worker-api.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { SignedTx } from '../../../src/core/formats.ts';
import { Block, SyncRequest, SyncResponse } from '../../../src/core/messages.ts';
import { fromHex, toHex } from '../../../src/lib/bytes.ts';
import { connect, transfer, workerFailure, type RpcClient } from '../../../src/lib/rpc.ts';
import { servePageTransport } from '../../../src/net/page-transport.ts';
import { loadModel, settledHead, WATCHED } from './client-api.ts';
import { heardOf, type Heard } from './judge.ts';
import { Wire } from './wire.ts';

/** Answers for a peer: the attack gives it to the page. */
declare const pilaAnswer: (peer: string, request: string) => Promise<string>;

const bytes = (hex: string): Uint8Array => fromHex(hex)!;

export interface PageJudgeApi {
  start(worker: string, config: ClientConfig, model: string | undefined): Promise<void>;
  tell(peer: string, block: string): Promise<Heard>;
  tellTx(peer: string, tx: string): Promise<Heard>;
  head(): Promise<string>;
  points(peer: string): number;
  meet(peer: string): void;
  leave(peer: string): void;
}

function createPageJudge(): PageJudgeApi {
  const wire = new Wire(async (peer, request) =>
    decode(SyncResponse, bytes(await pilaAnswer(peer, toHex(encode(SyncRequest, request))))),
  );
  let client: RpcClient<WorkerApi, WorkerEvents> | undefined;
  return {
    async start(url, config, model) {
      const worker = new Worker(url, { type: 'module', name: 'client' });
      client = connect<WorkerApi, WorkerEvents>(worker, { failed: workerFailure(worker) });
      const { port1, port2 } = new MessageChannel();
      servePageTransport(port1, () => wire);
      wire.join('honest');
      const lent = { kind: 'transport', port: port2 } as const;
      await client.init(config, transfer(lent, [port2]), undefined);
      if (model) await loadModel(client, model);
      else await client.watch(WATCHED);
    },
    tell: async (peer, block) => heardOf(await wire.tell(peer, decode(Block, bytes(block)))),
    tellTx: async (peer, tx) => heardOf(await wire.tellTx(peer, decode(SignedTx, bytes(tx)))),
    head: () => settledHead(client!),
    points: (peer) => wire.points(peer),
    meet: (peer) => wire.join(peer),
    leave: (peer) => wire.leave(peer),
  };
}

Object.assign(globalThis, { pila: createPageJudge() });
