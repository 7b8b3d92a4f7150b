/** The tables of a network that say by height which version of the rules and which models hold (docs/protocol.md §10.3). */
import type { HeaderCore } from '../formats.ts';
import type { NetworkParams } from '../params.ts';

/** The version of the rules that holds at a height. */
export const versionAt = ({ versions }: Pick<NetworkParams, 'versions'>, height: number): number =>
  versions.findLast(({ from }) => from <= height)!.version;

/** The highest version in the network's table. */
export const versionKnown = ({ versions }: Pick<NetworkParams, 'versions'>): number =>
  versions.at(-1)!.version;

/** Id in hex of the mined model with that index, if it holds at that height. */
export function modelAt(
  { models }: Pick<NetworkParams, 'models'>,
  index: number,
  height: number,
): string | undefined {
  const row = models[index];
  if (!row || height < row.from || height >= (row.to ?? Infinity)) return undefined;
  return row.id;
}

/** Index of the mined model with that id in hex, if it holds at that height; else −1. */
export const modelIndex = (params: NetworkParams, id: string, height: number): number =>
  params.models.findIndex((row, i) => row.id === id && modelAt(params, i, height) !== undefined);

/** Ids in hex of the mined models that hold at a height or later. */
export const modelsFrom = ({ models }: Pick<NetworkParams, 'models'>, height: number): string[] =>
  models.filter(({ to = Infinity }) => to > height).map(({ id }) => id);

/** The first of these headers up to one of a version that this program does not know. */
export function knownHeaders<H extends Pick<HeaderCore, 'version'>>(
  params: Pick<NetworkParams, 'versions'>,
  headers: readonly H[],
): readonly H[] {
  const newer = headers.findIndex(({ version }) => version > versionKnown(params));
  return newer < 0 ? headers : headers.slice(0, newer);
}
