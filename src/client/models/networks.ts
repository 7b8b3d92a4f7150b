/**
 * The models that each network admits. Their manifests are part of the program, so that no server can
 * replace one; weights and graphs are fetched and checked against them.
 */
import broad from '../../../models/broad/manifest.json' with { type: 'json' };
import lingua from '../../../models/lingua/manifest.json' with { type: 'json' };
import polyglot from '../../../models/polyglot/manifest.json' with { type: 'json' };
import tiny from '../../../models/tiny/manifest.json' with { type: 'json' };
import { modelId, type Manifest } from '../../core/manifest.ts';
import { chainParams } from '../../core/chain-params.ts';
import { type NetworkName, type Params } from '../../core/params.ts';
import type { verifyLight } from '../../core/pow/proof.ts';
import { toHex } from '../../lib/bytes.ts';
import { manifestFromJson } from '../../miner/package/package.ts';

const PACKAGES = { lingua, tiny, polyglot, broad };
export type ModelName = keyof typeof PACKAGES;

const MANIFESTS: readonly Manifest[] = Object.values(PACKAGES).map(manifestFromJson);

/** Names of the packages, the default first. */
const ADMITTED: Record<NetworkName, readonly ModelName[]> = {
  main: [],
  test: [],
  local: ['lingua', 'tiny', 'polyglot'],
  e2e: ['tiny', 'lingua', 'polyglot', 'broad'],
};

export interface ChainNetwork {
  readonly params: Params;
  /** By id in hex, the default first. */
  readonly models: ReadonlyMap<string, Manifest>;
  /** Package names, the default first. */
  readonly names: readonly string[];
  /** The light check, by default that of core. Simulations of whole networks replace it, to do without real work. */
  readonly verifyProof?: typeof verifyLight;
}

export function networkOf(name: NetworkName): ChainNetwork {
  const names: readonly string[] = ADMITTED[name];
  const models = new Map(
    names.flatMap((name) =>
      MANIFESTS.filter((m) => m.name === name).map((m) => [toHex(modelId(m)), m] as const),
    ),
  );
  return { params: chainParams(name, [...models.keys()]), models, names };
}

/** Id and manifest of an admitted package by name. */
export function modelNamed(
  network: ChainNetwork,
  name: string,
): { id: Uint8Array; manifest: Manifest } | undefined {
  const manifest = [...network.models.values()].find((m) => m.name === name);
  return manifest && { id: modelId(manifest), manifest };
}
