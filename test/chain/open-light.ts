/** A light client's chain in a test: opened, and begun where its store has no genesis yet. */
import type { LightChain } from '../../src/chain/light/light-chain.ts';
import {
  openLightStore,
  type LightStore,
  type LightStoreOptions,
} from '../../src/chain/light/light-store.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import { isFault } from '../../src/core/faults.ts';
import type { Header } from '../../src/core/formats.ts';
import { genesisPoint } from '../../src/core/header/header.ts';
import { MODELS, PARAMS, START_MS } from './make-blocks.ts';

export interface OpenedLight extends LightChain {
  readonly store: LightStore;
}

export async function openLightChain(
  options: Partial<LightStoreOptions>,
  genesis: Header = genesisPoint(PARAMS, START_MS).header,
): Promise<OpenedLight> {
  const store = await openLightStore({
    store: createMemoryStore(),
    params: PARAMS,
    models: MODELS,
    now: () => START_MS + 10_000_000,
    verifyProof: () => undefined,
    ...options,
  });
  if (store.chain) return { ...store.chain, store };
  const begun = await store.begin(genesis);
  if (isFault(begun)) throw new Error(begun.fault);
  return { ...begun.chain, store };
}
