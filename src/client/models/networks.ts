/**
 * The models that each network admits. Their manifests are part of the program, so that no server can
 * replace one; weights and graphs are fetched and checked against them.
 */
import lingua from '../../../models/lingua/manifest.json' with { type: 'json' };
import minilm from '../../../models/minilm/manifest.json' with { type: 'json' };
import polyglot from '../../../models/polyglot/manifest.json' with { type: 'json' };
import tiny from '../../../models/tiny/manifest.json' with { type: 'json' };
import { modelId, type Manifest } from '../../core/manifest.ts';
import { networkRules } from '../../core/chain-params.ts';
import { type NetworkName, type NetworkRules } from '../../core/params.ts';
import type { verifyLight } from '../../core/pow/proof.ts';
import { toHex } from '../../lib/bytes.ts';
import { manifestFromJson } from '../../miner/package/package.ts';

const PACKAGES = { tiny, lingua, polyglot, minilm };
export type ModelName = keyof typeof PACKAGES;

const MANIFESTS: readonly Manifest[] = Object.values(PACKAGES).map(manifestFromJson);

/** Names of the mined models: a place in a table is an index in headers, for good. */
const ADMITTED: Record<NetworkName, readonly ModelName[]> = {
  main: [],
  test: ['lingua', 'minilm'],
  local: ['tiny', 'lingua', 'polyglot', 'minilm'],
  e2e: ['tiny', 'lingua', 'polyglot'],
};
/** What is mined with unless a person chooses, the best first; the last comes first to a new device. */
const DEFAULTS: Record<NetworkName, readonly ModelName[]> = {
  main: [],
  test: ['minilm', 'lingua'],
  local: ['minilm', 'lingua'],
  e2e: ['tiny'],
};

export interface ChainNetwork {
  readonly params: NetworkRules;
  /** By id in hex, the default first. */
  readonly models: ReadonlyMap<string, Manifest>;
  /** Package names, the default first. */
  readonly names: readonly string[];
  /**
   * Of these the first that is on a device is mined with there, unless a person chooses; where none is, the last is
   * fetched first: it is small. Absent: the first of the names.
   */
  readonly preferred?: readonly string[];
  /** The light check, by default that of core. Simulations of whole networks replace it, to do without real work. */
  readonly verifyProof?: typeof verifyLight;
}

export function networkOf(name: NetworkName): ChainNetwork {
  const admitted = ADMITTED[name].map((model) => {
    const manifest = MANIFESTS.find((m) => m.name === model)!;
    return { id: toHex(modelId(manifest)), manifest };
  });
  const rows = admitted.map(({ id }) => ({ id, from: 0 }));
  const [best] = DEFAULTS[name];
  const isDefault = ({ manifest }: { manifest: Manifest }): boolean => manifest.name === best;
  const offered = [...admitted].sort((a, b) => Number(isDefault(b)) - Number(isDefault(a)));
  return {
    params: networkRules(name, rows),
    models: new Map(offered.map(({ id, manifest }) => [id, manifest])),
    names: offered.map(({ manifest }) => manifest.name),
    preferred: DEFAULTS[name],
  };
}

/** Id and manifest of an admitted package by name. */
export function modelNamed(
  network: ChainNetwork,
  name: string,
): { id: Uint8Array; manifest: Manifest } | undefined {
  const manifest = [...network.models.values()].find((m) => m.name === name);
  return manifest && { id: modelId(manifest), manifest };
}
