/**
 * The packages in the program's own `models` folder, and those of served models in folders of their own, as a store
 * of parts, below a second store for all other models. A part that is fetched because a file of the folder is damaged
 * goes to the second store and is read from there first.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encode } from '../core/codec.ts';
import { Manifest } from '../core/manifest.ts';
import { concat } from '../lib/bytes.ts';
import {
  GENERATION_FILE,
  graphFiles,
  TOKENIZER_FILE,
  WEIGHTS_FILE,
} from '../miner/package/package.ts';
import type { PartStore } from '../miner/package/part-store.ts';
import {
  MANIFEST_PART,
  OUTLINE,
  partNumbers,
  partSize,
  passFiles,
  piecesOf,
  planParts,
  planServed,
  valueOfPart,
  type PartPlan,
} from '../miner/package/parts.ts';
import { readSpan } from './file-parts.ts';
import type { ServedFolder } from './served/served-folders.ts';

export const MODEL_FOLDER = fileURLToPath(new URL('../../models', import.meta.url));

interface Packaged {
  readonly manifest: Manifest;
  readonly plan: PartPlan;
  /** For each file of the plan: the path of the file on disk that holds it, and the offset where it begins. */
  readonly places: readonly { readonly path: string; readonly at: number }[];
  outline: Promise<Uint8Array> | undefined;
}

/** @param folder of the package itself */
function placesOf(folder: string, manifest: Manifest): Packaged['places'] {
  const { tokenizer, template } = manifest;
  const whole = (file: string) => ({ path: join(folder, file), at: 0 });
  const graphs = graphFiles(manifest);
  let at = 0;
  const weights = passFiles(manifest)
    .slice(graphs.length)
    .map(({ size }) => {
      const place = { path: join(folder, WEIGHTS_FILE), at };
      at += size;
      return place;
    });
  return [
    ...graphs.map(whole),
    ...weights,
    ...(tokenizer ? [whole(TOKENIZER_FILE)] : []),
    ...(template ? [whole(GENERATION_FILE)] : []),
  ];
}

const clamp = (at: number, most: number): number => Math.max(0, Math.min(at, most));

/**
 * @param fetched the store for fetched parts, read first
 * @param folder of the packages of `models`, each in one of its name
 */
export async function createPackagedParts(
  models: ReadonlyMap<string, Manifest>,
  fetched: PartStore,
  folder = MODEL_FOLDER,
  served: readonly ServedFolder[] = [],
): Promise<PartStore> {
  const packaged = new Map<string, Packaged>();
  const add = async (
    id: string,
    own: Omit<Packaged, 'places' | 'outline'>,
    at: string,
  ): Promise<void> => {
    const places = placesOf(at, own.manifest);
    const isHere = await Promise.all(places.map(({ path }) => stat(path))).catch(() => undefined);
    if (isHere) packaged.set(id, { ...own, places, outline: undefined });
  };
  for (const [id, manifest] of models)
    await add(id, { manifest, plan: planParts(manifest) }, join(folder, manifest.name));
  for (const { said, manifest, folder: at } of served)
    await add(said.id, { manifest, plan: planServed(manifest) }, at);

  async function readPart({ plan, places }: Packaged, part: number, from: number, to: number) {
    const found = plan.parts[part - 1];
    if (!found) return undefined;
    const spans: Uint8Array[] = [];
    for (const piece of piecesOf(plan, found)) {
      const place = places[piece.file]!;
      const [start, end] = [from, to].map((at) => clamp(at - piece.from, piece.size));
      if (start! >= end!) continue;
      const at = place.at + piece.at;
      const span = await readSpan(place.path, at + start!, at + end!).catch(() => undefined);
      // A file that has gone since is as one that is damaged.
      if (!span) return undefined;
      spans.push(span);
    }
    return concat(...spans);
  }

  async function makeOutline(own: Packaged): Promise<Uint8Array> {
    const values: Uint8Array[] = [];
    for (const [i, part] of own.plan.parts.entries())
      if (part.value !== undefined) {
        const bytes = await readPart(own, i + 1, 0, Infinity);
        values.push(valueOfPart(part, bytes ?? new Uint8Array()));
      }
    return concat(...values);
  }

  return {
    ...fetched,
    async read(model, part, from = 0, to = Infinity) {
      const written = await fetched.read(model, part, from, to === Infinity ? undefined : to);
      const own = packaged.get(model);
      if (written || !own) return written;
      if (part === MANIFEST_PART)
        return own.plan.manifest && encode(Manifest, own.manifest).slice(from, to);
      if (part !== OUTLINE) return readPart(own, part, from, to);
      if (!own.plan.outlineBytes) return undefined;
      return (await (own.outline ??= makeOutline(own))).slice(from, to);
    },
    async sizes(model) {
      const { plan } = packaged.get(model) ?? {};
      const own = plan
        ? partNumbers(plan).map((part) => [part, partSize(plan, part)!] as const)
        : [];
      return new Map([...own, ...(await fetched.sizes(model))]);
    },
    // Only the models of `fetched`: packaged ones cannot be freed.
    models: () => fetched.models(),
  };
}
