/**
 * Served models: they answer and are never mined, so no table of a network names them. Those that the program knows
 * stand in models/served.json; others a seed may tell its pages. Whoever has the id has the bytes: the manifest is
 * fetched by it, then the parts that the manifest names (docs/models.md).
 */
import known from '../../../models/served.json' with { type: 'json' };
import { toHex } from '../../lib/bytes.ts';
import { array, corrupt, digest, number, object, text } from '../../miner/package/json.ts';
import { PACKAGE_BYTES_MAX, SERVED_MANIFEST_BYTES_MAX } from '../../miner/package/package.ts';

/** What is said of a served model before anything of it is fetched; its manifest must say the same. */
export interface ServedModel {
  readonly name: string;
  /** In hex. */
  readonly id: string;
  /** Bytes of its encoded manifest. */
  readonly manifestBytes: number;
  /** Bytes of all its parts, the manifest included. */
  readonly bytes: number;
  readonly licence: string;
  readonly attribution: string;
  /** Where the weights that it was made from are given away. */
  readonly sources: readonly string[];
}

/** Most served models that a list may name, and a device may keep. */
export const SERVED_MAX = 8;
/** Most bytes of served models that a client keeps: two of the largest. */
export const SERVED_BYTES_MAX = 2 * PACKAGE_BYTES_MAX;
/** Characters, as a manifest's texts have at most. */
const NAME_MAX = 64;
const LICENCE_MAX = 64;
const ATTRIBUTION_MAX = 1024;
const SOURCES_MAX = 8;

const KEYS = ['name', 'id', 'manifestBytes', 'bytes', 'licence', 'attribution', 'sources'] as const;

function limited(value: unknown, at: string, most: number): string {
  const found = text(value, at);
  if (found.length > most) throw corrupt(`${at} has over ${most} characters`);
  return found;
}

function size(value: unknown, at: string, most: number): number {
  const found = number(value, at);
  if (!Number.isInteger(found) || found < 1 || found > most)
    throw corrupt(`${at} is not a number of bytes up to ${most}`);
  return found;
}

function address(value: unknown, at: string): string {
  const found = limited(value, at, 512);
  if (!URL.canParse(found) || new URL(found).protocol !== 'https:')
    throw corrupt(`${at} is no https address`);
  return found;
}

/** @throws AppError MODEL_CORRUPT with the place that is wrong */
function servedModel(value: unknown, at: string): ServedModel {
  const f = object(value, at, KEYS);
  const name = limited(f.name, `${at}.name`, NAME_MAX);
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) throw corrupt(`${at}.name is no name`);
  const sources = array(f.sources, `${at}.sources`, address);
  if (sources.length > SOURCES_MAX) throw corrupt(`${at}.sources has over ${SOURCES_MAX}`);
  return {
    name,
    id: toHex(digest(f.id, `${at}.id`)),
    manifestBytes: size(f.manifestBytes, `${at}.manifestBytes`, SERVED_MANIFEST_BYTES_MAX),
    bytes: size(f.bytes, `${at}.bytes`, SERVED_BYTES_MAX),
    licence: limited(f.licence, `${at}.licence`, LICENCE_MAX),
    attribution: limited(f.attribution, `${at}.attribution`, ATTRIBUTION_MAX),
    sources,
  };
}

/**
 * A list of served models from JSON of unknown origin.
 * @throws AppError MODEL_CORRUPT with the place that is wrong, or that a name or an id stands there twice
 */
export function servedFrom(value: unknown): ServedModel[] {
  const models = array(value, 'served', servedModel);
  if (models.length > SERVED_MAX) throw corrupt(`served has over ${SERVED_MAX} models`);
  for (const key of ['name', 'id'] as const)
    if (new Set(models.map((model) => model[key])).size < models.length)
      throw corrupt(`served: a ${key} stands there twice`);
  return models;
}

/** Those that the program names. */
export const SERVED: readonly ServedModel[] = servedFrom(known);

/** Those that a node holds, and then those that the program names: others may have them. */
export function withNamed(held: readonly ServedModel[], named = SERVED): ServedModel[] {
  const isOther = ({ name, id }: ServedModel): boolean =>
    !held.some((own) => own.name === name || own.id === id);
  return [...held, ...named.filter(isOther)].slice(0, SERVED_MAX);
}

/**
 * Those that the program names, and those that a seed tells its pages. A name that is known stays that of its id: no
 * seed gives it to other bytes. What cannot be read is not told.
 * @param taken names of the network's mined models
 */
export function withTold(told: unknown, taken: readonly string[], named = SERVED): ServedModel[] {
  let others: readonly ServedModel[] = [];
  try {
    others = told === undefined ? [] : servedFrom(told);
  } catch {
    // A seed of another version, or one that lies: its page goes on without.
  }
  const isNew = ({ name, id }: ServedModel): boolean =>
    !taken.includes(name) && !named.some((known) => known.name === name || known.id === id);
  return [...named, ...others.filter(isNew)].slice(0, SERVED_MAX);
}
