/**
 * A full chain that begins at a block far above genesis: its headers are all there, the state after that block is
 * believed, and what comes above is executed. For an operator's word alone (docs/operate.md): who executes from genesis
 * believes nobody.
 */
import { encode, u32 } from '../../core/codec.ts';
import { Header } from '../../core/formats.ts';
import { ChainPointRecord, type ChainPoint } from '../../core/header/header.ts';
import { FAUCET_SUPPLY, type NetworkParams } from '../../core/params.ts';
import { treeEntries, treeRoot, type Tree } from '../../core/tree/tree.ts';
import { formatPut } from '../store/format-marker.ts';
import { MainEntry, POINT_EVERY } from '../store/records.ts';
import type { Put, Store } from '../store/store.ts';
import { heldIn, issuedBy } from '../shared/totals.ts';
import { genesisPuts, wipe } from './open.ts';
import { Believed, FULL_SCHEMA, recordKey } from './records.ts';

/** Rows of one batch: a few hundred bytes each. */
const ROWS_AT_ONCE = 4096;

export interface Beginning {
  /** All points from genesis on, lowest first: the last is the block whose state is believed. */
  readonly points: () => Iterable<ChainPoint>;
  /** The whole state after it. */
  readonly tree: Tree;
}

/**
 * Writes the chain in place of the one that is there. Who is killed meanwhile finds a database that is refused as
 * damaged, or does it again.
 */
export async function beginAt(
  store: Store,
  params: NetworkParams,
  { points, tree }: Beginning,
): Promise<void> {
  await wipe(store);
  let rows: Put[] = [];
  const put = async (...some: Put[]): Promise<void> => {
    rows.push(...some);
    if (rows.length < ROWS_AT_ONCE) return;
    await store.batch(rows);
    rows = [];
  };

  let genesis: ChainPoint | undefined;
  let last: ChainPoint | undefined;
  for (const point of points()) {
    genesis ??= point;
    last = point;
    await put(...(point === genesis ? genesisPuts(point) : headerPuts(point)));
  }
  if (!genesis || !last) throw new Error('a chain has a genesis');
  for (const { key, value } of treeEntries(tree)) await put({ key: recordKey.leaf(key), value });

  const { height } = last.header;
  const { held, accounts } = heldIn(tree, { ...params, height });
  const burned = issuedBy(height) + (params.faucet ? FAUCET_SUPPLY : 0n) - held;
  const believed = { height, root: treeRoot(tree), totals: { accounts, burned } };
  rows.push(
    { key: recordKey.head, value: last.id },
    { key: recordKey.pruned, value: encode(u32, height + 1) },
    { key: recordKey.believed, value: encode(Believed, believed) },
    formatPut({ kind: 'full', schema: FULL_SCHEMA, chainId: params.chainId }, genesis.id),
  );
  await store.batch(rows, true);
}

function headerPuts(point: ChainPoint): Put[] {
  const { id, header } = point;
  const puts: Put[] = [
    { key: recordKey.header(id), value: encode(Header, header) },
    { key: recordKey.main(header.height), value: encode(MainEntry, { id, header }) },
  ];
  if (header.height % POINT_EVERY === 0)
    puts.push({ key: recordKey.point(header.height), value: encode(ChainPointRecord, point) });
  return puts;
}
