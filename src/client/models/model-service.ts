/** Models of one client: their packages, where they come from, and what screens ask of them. */
import type { SyncRequest, SyncResponse } from '../../core/messages.ts';
import { unavailable } from '../../chain/shared/answer.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { MinerStatus } from '../../miner/engine/miner-api.ts';
import type { Transport } from '../../net/transport.ts';
import type { ClientConfig, ModelApi, StoredModel } from '../api.ts';
import type { ChainNetwork } from './networks.ts';
import { openPackageStore, type PackageStore } from './package-store.ts';
import { httpSource, mirrorAddress, MIRRORS_MAX, peerSource } from './part-sources.ts';
import type { Platform } from '../platform.ts';
import { ModelSupply } from './model-supply.ts';
import { createTexts, type Texts } from './texts.ts';

export interface ModelService {
  readonly supply: ModelSupply;
  readonly texts: Texts;
  on(hear: (model: StoredModel) => void): void;
  answer(request: Extract<SyncRequest, { type: 'model' }>): Promise<SyncResponse>;
  /** Ends a fetch. */
  stop(id: Uint8Array): void;
  /** Ends all of them. */
  close(): void;
  api(miner: () => MinerStatus): ModelApi;
}

/** Addresses of parts: the page's own server, then the mirrors it tells of. */
function basesOf(platform: Platform, config: ClientConfig): string[] {
  const mirrors = (config.mirrors ?? []).flatMap((text) => mirrorAddress(text) ?? []);
  const own = platform.packages?.origin;
  return [...(own === undefined ? [] : [own]), ...new Set(mirrors)].slice(0, MIRRORS_MAX + 1);
}

export async function createModelService(
  platform: Platform,
  config: ClientConfig,
  network: ChainNetwork,
  transport: Transport,
): Promise<ModelService> {
  const bases = basesOf(platform, config);
  const servers = bases.map((base) => httpSource(base));
  const hearers: ((model: StoredModel) => void)[] = [];
  const packages =
    platform.packages &&
    (await openPackageStore({
      models: network.models,
      store: await platform.packages.openStore(),
      sources: () => [...servers, ...transport.peers().map(({ id }) => peerSource(transport, id))],
      onChange: (model) => hearers.forEach((hear) => hear(model)),
    }));
  const supply = new ModelSupply(packages && ((id) => packages.load(id)));
  return {
    supply,
    texts: createTexts(network.models, packages),
    on: (hear) => void hearers.push(hear),
    answer: async (request) => packages?.answer(request) ?? unavailable('no models here'),
    stop: (id) => packages?.stop(toHex(id)),
    close: () => [...network.models.keys()].forEach((id) => packages?.stop(id)),
    api: (miner) => apiOf(packages, supply, bases, miner, platform),
  };
}

function apiOf(
  packages: PackageStore | undefined,
  supply: ModelSupply,
  sources: readonly string[],
  miner: () => MinerStatus,
  platform: Platform,
): ModelApi {
  const kept = (): PackageStore => {
    if (!packages) throw new AppError('MODEL_MISSING', 'no packages are kept here');
    return packages;
  };
  const isMined = async (id: string): Promise<boolean> => {
    const { state, model } = miner();
    const own = (await kept().all()).find((m) => toHex(m.id) === id);
    return own?.name === model && !['off', 'paused', 'failed'].includes(state);
  };
  return {
    async storage() {
      const told = await platform.packages?.estimate?.().catch(() => undefined);
      const models = packages ? await packages.all() : [];
      return { models, sources, usedBytes: told?.usage, quotaBytes: told?.quota };
    },
    fetchModel: async (id) => kept().fetch(toHex(id)),
    stopModel: async (id) => kept().stop(toHex(id)),
    async freeModel(modelId) {
      const id = toHex(modelId);
      if (await isMined(id)) throw new AppError('MODEL_BUSY', 'it is mined with');
      await kept().free(id);
      await supply.forget(id);
    },
  };
}
