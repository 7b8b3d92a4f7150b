/** A seed's models: packages that come with the program, others from mirrors and peers. Parts are served over HTTP. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { ChainNetwork } from '../../client/models/networks.ts';
import { openPackageStore, type PackageStore } from '../../client/models/package-store.ts';
import { httpSource, peerSource } from '../../client/models/part-sources.ts';
import { MODEL_SLICE_BYTES } from '../../core/messages.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Transport } from '../../net/transport.ts';
import { createFileParts } from '../file-parts.ts';
import type { Route } from '../http/http.ts';
import type { Options } from './options.ts';
import { createPackagedParts } from '../packaged-parts.ts';

export async function openModels(
  options: Options,
  network: ChainNetwork,
  transport: () => Transport,
): Promise<PackageStore> {
  const mirrors = options.mirrors.map((base) => httpSource(base));
  const fetched = createFileParts(join(options.data, 'models'));
  return openPackageStore({
    models: network.models,
    store: await createPackagedParts(network.models, fetched),
    sources: () => [
      ...mirrors,
      ...transport()
        .peers()
        .map(({ id }) => peerSource(transport(), id)),
    ],
    onChange: () => undefined,
  });
}

/**
 * Fetches missing models in the background: without a model its blocks cannot be checked. That is told as a
 * warning where somebody could be asked: a node that begins a network of its own lacks what nobody has.
 */
export async function fetchMissing(
  packages: PackageStore,
  network: ChainNetwork,
  log: Log,
  canAsk: () => boolean,
): Promise<void> {
  for (const [id, { name }] of network.models) {
    try {
      await packages.fetch(id);
    } catch (e) {
      const { code, message } = AppError.from(e);
      log[canAsk() ? 'warn' : 'info']('model.missing', { model: name, code, why: message });
    }
  }
}

/** Answers `/models/<id>/<part>` for anybody; everything else goes to `otherwise`. */
export function partsOr(packages: PackageStore, otherwise: Route): Route {
  return async (request, response) => {
    const [, id = '', text = ''] =
      /^\/models\/([0-9a-f]{64})\/(\d{1,5})$/.exec(request.url ?? '') ?? [];
    if (!packages.knows(id)) return otherwise(request, response);
    const part = Number(text);
    const size = packages.partSize(id, part);
    const first =
      size === undefined ? undefined : await packages.read(id, part, 0, MODEL_SLICE_BYTES);
    if (!first) throw new AppError('NOT_FOUND', 'no such part here');
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': size,
      // The address names the content, which never changes.
      'cache-control': 'public, max-age=31536000, immutable',
      // Pages of other seeds may use this seed as a mirror.
      'access-control-allow-origin': '*',
      'x-content-type-options': 'nosniff',
    });
    if (request.method === 'HEAD') return void response.end();
    await sendPart(response, first, size!, (from) =>
      packages.read(id, part, from, from + MODEL_SLICE_BYTES),
    );
  };
}

/** ms in which a client must read a slice. */
const SLICE_MS = 30_000;

async function drained(response: ServerResponse, gone: AbortController): Promise<void> {
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(SLICE_MS)]);
  await once(response, 'drain', { signal }).catch(() => gone.abort());
}

/** Sends slice by slice, so that a slow client keeps only one slice in memory. */
async function sendPart(
  response: ServerResponse,
  first: Uint8Array,
  size: number,
  read: (from: number) => Promise<Uint8Array | undefined>,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  let slice: Uint8Array | undefined = first;
  for (let at = 0; at < size; slice = await read(at)) {
    if (!slice?.length || gone.signal.aborted) return void response.destroy();
    at += slice.length;
    if (!response.write(slice)) await drained(response, gone);
  }
  response.end();
}
