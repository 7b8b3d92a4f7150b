/** A seed's models: packages that come with the program, others from mirrors and peers. Parts are served over HTTP. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { ChainNetwork } from '../../client/models/networks.ts';
import { openPackageStore, type PackageStore } from '../../client/models/package-store.ts';
import { httpSource, peerSource } from '../../client/models/part-sources.ts';
import { withNamed } from '../../client/models/served.ts';
import type { ServedBytes } from '../../client/models/served-bytes.ts';
import { MODEL_SLICE_BYTES } from '../../core/messages.ts';
import type { Offer } from '../../core/offer.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Transport } from '../../net/transport.ts';
import { createFileParts } from '../file-parts.ts';
import type { Callers } from '../http/caller.ts';
import { sendJson, tellError, type Route } from '../http/http.ts';
import type { Options } from './options.ts';
import { createPackagedParts, MODEL_FOLDER } from '../packaged-parts.ts';
import type { ServedFolder } from '../served/served-folders.ts';

export async function openModels(
  options: Options,
  network: ChainNetwork,
  transport: () => Transport,
  served: readonly ServedFolder[],
): Promise<PackageStore> {
  const mirrors = options.mirrors.map((base) => httpSource(base));
  const fetched = createFileParts(join(options.data, 'models'));
  return openPackageStore({
    models: network.models,
    served: withNamed(served.map(({ said }) => said)),
    store: await createPackagedParts(network.models, fetched, MODEL_FOLDER, served),
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

/**
 * Brings the manifest of a served model that somebody offers and that is known by name alone: callers then see the model
 * among the others. What fails is tried again with the next offer.
 */
export function learnOffered(
  packages: Pick<PackageStore, 'isServed' | 'manifests' | 'manifest'>,
  { offer }: Offer,
): void {
  for (const { model } of offer.models) {
    const id = toHex(model);
    if (packages.isServed(id) && !packages.manifests.has(id))
      packages.manifest(id).catch(() => undefined);
  }
}

/** What is given of served models, and by whose clock. */
export interface Giving {
  readonly bytes: ServedBytes;
  readonly callers: Callers;
  readonly nowMs: () => number;
}

/** Answers `/models/<id>/<part>` for anybody; everything else goes to `otherwise`. */
export function partsOr(packages: PackageStore, giving: Giving, otherwise: Route): Route {
  const { bytes, callers, nowMs } = giving;
  return async (request, response) => {
    const [, id = '', text = ''] =
      /^\/models\/([0-9a-f]{64})\/(\d{1,5})$/.exec(request.url ?? '') ?? [];
    if (!packages.knows(id)) return otherwise(request, response);
    const part = Number(text);
    const size = packages.partSize(id, part);
    const first =
      size === undefined ? undefined : await packages.read(id, part, 0, MODEL_SLICE_BYTES);
    if (!first) throw new AppError('NOT_FOUND', 'no such part here');
    // Pages of other seeds may use this seed as a mirror.
    response.setHeader('access-control-allow-origin', '*');
    const isHead = request.method === 'HEAD';
    const taken =
      packages.isServed(id) && !isHead
        ? bytes.take(callers.of(request), size!, nowMs())
        : undefined;
    if (typeof taken === 'number') return refuseForNow(response, taken);
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': size,
      // The address names the content, which never changes.
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    });
    if (isHead) return void response.end();
    const sent = await sendPart(response, first, size!, (from) =>
      packages.read(id, part, from, from + MODEL_SLICE_BYTES),
    );
    if (sent < size!) taken?.giveBack(size! - sent);
  };
}

function refuseForNow(response: ServerResponse, waitMs: number): void {
  response.setHeader('retry-after', Math.ceil(waitMs / 1000));
  // Without it a page of another seed does not see when.
  response.setHeader('access-control-expose-headers', 'retry-after');
  const error = new AppError('BUSY', 'no more of served models for now (--serve-bytes)');
  sendJson(response, 503, { error: tellError(error) });
}

/** ms in which a client must read a slice. */
const SLICE_MS = 30_000;

async function drained(response: ServerResponse, gone: AbortController): Promise<void> {
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(SLICE_MS)]);
  await once(response, 'drain', { signal }).catch(() => gone.abort());
}

/** Sends slice by slice, so that a slow client keeps only one slice in memory. @returns bytes that were sent */
async function sendPart(
  response: ServerResponse,
  first: Uint8Array,
  size: number,
  read: (from: number) => Promise<Uint8Array | undefined>,
): Promise<number> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  let slice: Uint8Array | undefined = first;
  for (let at = 0; at < size; slice = await read(at)) {
    if (!slice?.length || gone.signal.aborted) {
      response.destroy();
      return at;
    }
    at += slice.length;
    if (!response.write(slice)) await drained(response, gone);
  }
  response.end();
  return size;
}
