/** A mirror of models' parts: a real server on loopback that can go silent, or change bytes. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkOf } from '../../src/client/models/networks.ts';
import { createMemoryParts } from '../../src/miner/package/part-store.ts';
import { planParts } from '../../src/miner/package/parts.ts';
import { createPackagedParts } from '../../src/node/packaged-parts.ts';

export interface Mirror {
  readonly url: string;
  /** Of the model that is counted, parts that the mirror has sent whole, in order. */
  readonly given: number[];
  /** Of the same, parts that were requested, in order. */
  readonly asked: number[];
  /** Number of parts that it still sends; the parts after them stop in the middle, without an error. */
  left: number;
  /** Whether it changes one byte of each part. */
  spoils: boolean;
  close(): void;
}

/** @param counted name of the model whose parts are counted; others come behind the work */
export async function startMirror(counted: string): Promise<Mirror> {
  const { models } = networkOf('e2e');
  const store = await createPackagedParts(models, createMemoryParts());
  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, id = '', text = ''] = /^\/([0-9a-f]{64})\/(\d+)$/.exec(request.url ?? '') ?? [];
    const part = Number(text);
    const bytes = models.has(id) ? await store.read(id, part) : undefined;
    response.setHeader('access-control-allow-origin', '*');
    if (!bytes) return void response.writeHead(404).end();
    const isCounted = models.get(id)?.name === counted;
    if (isCounted) mirror.asked.push(part);
    if (mirror.spoils) bytes[bytes.length >> 1]! ^= 1;
    response.setHeader('content-length', bytes.length);
    if (mirror.left-- <= 0) return void response.write(bytes.subarray(0, bytes.length >> 1));
    response.end(bytes, () => isCounted && mirror.given.push(part));
  }
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const mirror: Mirror = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    given: [],
    asked: [],
    left: Infinity,
    spoils: false,
    close: () => void (server.closeAllConnections(), server.close()),
  };
  return mirror;
}

/** Parts and bytes of a model's package. */
export function packageSize(name: string): { parts: number; bytes: number } {
  const manifest = [...networkOf('e2e').models.values()].find((m) => m.name === name)!;
  const { parts, bytes } = planParts(manifest);
  return { parts: parts.length, bytes };
}
