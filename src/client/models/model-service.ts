/** Models of one client: their packages, the sources of these, and the API that screens use. */
import { unavailable } from '../../chain/shared/answer.ts';
import type { SyncRequest, SyncResponse } from '../../core/messages.ts';
import type { Manifest } from '../../core/manifest.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Emitter } from '../../lib/events.ts';
import { readGeneration, type Generation } from '../../miner/generator/generation.ts';
import type { MinerState, MinerStatus } from '../../miner/engine/miner-api.ts';
import type { Transport } from '../../net/transport.ts';
import type { ClientConfig, ModelApi, StoredModel } from '../api.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { Platform } from '../platform.ts';
import { ModelSupply } from './model-supply.ts';
import type { ChainNetwork } from './networks.ts';
import { openPackageStore, type PackageStore } from './package-store.ts';
import { httpSource, mirrorAddress, MIRRORS_MAX, peerSource } from './part-sources.ts';
import { CLIENT_GIVES_BYTES, partsForPeers, ServedBytes } from './served-bytes.ts';
import { withTold } from './served.ts';
import { TokenThread } from './token-thread.ts';
import { createTexts, type Texts } from './texts.ts';

export interface ModelService {
  readonly supply: ModelSupply;
  readonly texts: Texts;
  /** By id in hex: those of all admitted models, and of served ones from when they have come. */
  readonly manifests: ReadonlyMap<string, Manifest>;
  /** Served models whose packages are whole here. */
  wholeServed(): readonly Manifest[];
  /** Every package, admitted or served, complete or not; none where the miner has models of its own (simulations). */
  stored(): Promise<readonly StoredModel[]>;
  /** What is known of a language model; its generation.json is fetched first. @throws AppError MODEL_REFUSED, as fetch */
  language(id: Uint8Array): Promise<{ manifest: Manifest; generation: Generation }>;
  /** Resolves when the whole package is here. @throws as fetchModel */
  fetch(id: Uint8Array): Promise<void>;
  /** The answer to a peer that asks for a part of a package. */
  answer(request: Extract<SyncRequest, { type: 'model' }>): Promise<SyncResponse>;
  /** Ends a fetch. */
  stop(id: Uint8Array): void;
  /** Ends all fetches. */
  close(): void;
  /** `miner` returns the miner's status: while it works none that is mined must be freed. */
  api(miner: () => MinerStatus): ModelApi;
}

export interface ModelServiceDeps {
  readonly platform: Platform;
  readonly config: ClientConfig;
  readonly network: ChainNetwork;
  readonly transport: Transport;
  readonly events: Emitter<PeerEvents>;
}

export async function createModelService(deps: ModelServiceDeps): Promise<ModelService> {
  const { platform, config, network, transport, events } = deps;
  const bases = basesOf(platform, config);
  const servers = bases.map((base) => httpSource(base));
  const packages =
    platform.packages &&
    (await openPackageStore({
      models: network.models,
      served: withTold(config.served, network.names),
      store: await platform.packages.openStore(),
      sources: () => [...servers, ...transport.peers().map(({ id }) => peerSource(transport, id))],
      onChange: (model) => events.emit('report', { type: 'model', model }),
    }));
  const giving =
    packages &&
    partsForPeers(packages, {
      bytes: new ServedBytes(CLIENT_GIVES_BYTES, CLIENT_GIVES_BYTES),
      nowMs: () => platform.steadyMs(),
    });
  const tokens = new TokenThread(platform.startTokens);
  const manifests = packages?.manifests ?? network.models;
  const supply = new ModelSupply(packages && ((id) => packages.load(id)));

  return {
    supply,
    texts: createTexts(manifests, packages, tokens),
    manifests,
    wholeServed: () => packages?.wholeServed() ?? [],
    stored: async () => (await packages?.all()) ?? [],
    async language(modelId) {
      const id = toHex(modelId);
      const file = await packages?.generation(id, true);
      const manifest = packages?.manifests.get(id);
      if (!manifest || !file) throw new AppError('MODEL_MISSING', 'no packages are kept here');
      return { manifest, generation: readGeneration(manifest, file) };
    },
    fetch: async (id) => packages?.fetch(toHex(id)),
    answer: async (request) => giving?.answer(request) ?? unavailable('no models here'),
    stop: (id) => packages?.stop(toHex(id)),
    close() {
      tokens.stop();
      packages?.stopAll();
    },
    api: (miner) => apiOf({ platform, network, packages, supply, sources: bases, miner }),
  };
}

/** Base addresses of parts: the page's own server, then the mirrors that the configuration names. */
function basesOf(platform: Platform, config: ClientConfig): string[] {
  const mirrors = (config.mirrors ?? []).flatMap((text) => mirrorAddress(text) ?? []);
  const own = platform.packages?.origin;
  return [...(own === undefined ? [] : [own]), ...new Set(mirrors)].slice(0, MIRRORS_MAX + 1);
}

/** Whether the miner uses its models in that state. */
const USES_MODEL: Readonly<Record<MinerState, boolean>> = {
  off: false,
  loading: true,
  testing: true,
  running: true,
  finishing: true,
  paused: false,
  failed: false,
};

interface ModelApiDeps {
  readonly platform: Platform;
  readonly network: ChainNetwork;
  readonly packages: PackageStore | undefined;
  readonly supply: ModelSupply;
  readonly sources: readonly string[];
  readonly miner: () => MinerStatus;
}

function apiOf(deps: ModelApiDeps): ModelApi {
  const { platform, network, packages, supply, sources, miner } = deps;
  const stored = (): PackageStore => {
    if (!packages) throw new AppError('MODEL_MISSING', 'no packages are kept here');
    return packages;
  };
  /** Who mines holds every mined model. */
  const isMined = (id: string): boolean =>
    USES_MODEL[miner().state] && network.params.models.some((row) => row.id === id);

  /** Said before the first byte comes, as far as the browser tells. @throws AppError MODEL_STORE_FULL */
  async function requireRoom(id: string): Promise<void> {
    const { usage, quota } = (await platform.packages?.estimate?.().catch(() => undefined)) ?? {};
    if (usage === undefined || quota === undefined) return;
    const missing = stored().missingBytes(id);
    if (missing > quota - usage)
      throw new AppError('MODEL_STORE_FULL', `${missing} bytes, room for ${quota - usage}`);
  }

  return {
    async storage() {
      const estimate = await platform.packages?.estimate?.().catch(() => undefined);
      const models = packages ? await packages.all() : [];
      return { models, sources, usedBytes: estimate?.usage, quotaBytes: estimate?.quota };
    },
    async fetchModel(modelId) {
      const id = toHex(modelId);
      await requireRoom(id);
      await stored().fetch(id);
    },
    stopModel: async (id) => stored().stop(toHex(id)),
    async freeModel(modelId) {
      const id = toHex(modelId);
      if (isMined(id)) throw new AppError('MODEL_BUSY', 'who mines needs it');
      await stored().free(id);
      await supply.forget(id);
    },
  };
}
