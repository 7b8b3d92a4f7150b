/** Blocks, transactions and supply, each checked here before it is shown. */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { bodyOf, bodyRoot } from '../../core/tx/body.ts';
import { decode, encode } from '../../core/codec.ts';
import {
  Proof,
  SignedTx,
  type Body,
  type Header,
  type Position,
  type Tx,
} from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { modelAt } from '../../core/header/tables.ts';
import { headerWork } from '../../core/header/target.ts';
import { isWhole } from '../../core/tree/tree.ts';
import { txId, verifySignature } from '../../core/tx/tx.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { BlockView, ChainApi, Supply, TxView } from '../api.ts';
import { HEADERS_READ_MAX } from '../api.ts';
import type { ChainReader } from '../sync/chain-reader.ts';
import type { LightPool } from '../wallet/light-pool.ts';
import type { ChainNetwork } from '../models/networks.ts';
import type { Outbox } from '../wallet/outbox.ts';
import { supplyOf } from './supply.ts';

/** As `ChainApi.headers`. */
export async function headersOf(
  { headers }: Pick<LightChain, 'headers'>,
  last: number,
  max: number,
): Promise<Header[]> {
  if (!Number.isSafeInteger(last)) return [];
  const end = Math.min(last, headers.head().header.height);
  const count = Math.max(0, Math.min(max, HEADERS_READ_MAX, end + 1)) || 0;
  const heights = Array.from({ length: count }, (_, i) => end - count + 1 + i);
  const found = await Promise.all(heights.map((height) => headers.at(height)));
  // The chain may have been reorganised meanwhile, to a shorter one.
  return found.filter((header) => header !== undefined);
}

export type Explorer = Pick<ChainApi, 'block' | 'transaction' | 'supply'>;

export interface ExplorerDeps {
  readonly network: ChainNetwork;
  readonly chain: LightChain;
  readonly outbox: Outbox;
  readonly pool: Pick<LightPool, 'get'>;
  readonly reader: ChainReader;
}

export function createExplorer(deps: ExplorerDeps): Explorer {
  const { network, chain, outbox, reader, pool } = deps;
  const { headers } = chain;
  let summed: { head: Uint8Array; supply: Supply } | undefined;

  const idOf = (tx: Tx): Uint8Array => txId(headers.genesis.id, tx);
  const headHeight = (): number => headers.head().header.height;

  async function bodyAt(header: Header): Promise<Body | undefined> {
    if (header.height === 0) return bodyOf();
    const body = await reader.bodies.of(header);
    return body && equal(bodyRoot(body), header.bodyRoot) ? body : undefined;
  }

  async function block(at: number | Uint8Array): Promise<BlockView | undefined> {
    const isHeight = typeof at === 'number';
    if (isHeight ? !Number.isSafeInteger(at) : at.length !== 32) return undefined;
    const height = isHeight ? at : await headers.heightOf(at);
    const header = height === undefined ? undefined : await headers.at(height);
    if (!header) return undefined;
    const id = blockId(header);
    const proof = await chain.proofs.of(id);
    const body = await bodyAt(header);
    return {
      id,
      header,
      work: headerWork(chain.params, header),
      model: modelAt(chain.params, header.model, header.height),
      body,
      txIds: (body?.transactions ?? []).map(({ tx }) => idOf(tx)),
      confirmations: Math.max(0, headHeight() - header.height),
      workChecked: proof !== undefined,
      proof: proof && { linear: proof.linear, bytes: encode(Proof, proof).length },
    };
  }

  /** The transaction with this id, if it is at this position of the chain. */
  async function placed(id: Uint8Array, position: Position): Promise<TxView | undefined> {
    const header = await headers.at(position.height);
    const tx = header && (await bodyAt(header))?.transactions[position.index];
    if (!tx || !equal(idOf(tx.tx), id) || !verifySignature(headers.genesis.id, tx))
      return undefined;
    const confirmations = Math.max(0, headHeight() - position.height);
    return { id, tx, position, blockId: blockId(header), confirmations };
  }

  /** A confirmed transaction of this client: its block is known without asking peers. */
  async function ownPlace(id: Uint8Array, height: number): Promise<TxView | undefined> {
    const header = await headers.at(height);
    const body = header && (await bodyAt(header));
    const index = body?.transactions.findIndex(({ tx }) => equal(idOf(tx), id)) ?? -1;
    return index < 0 ? undefined : await placed(id, { height, index });
  }

  async function transaction(id: Uint8Array): Promise<TxView | undefined> {
    if (id.length !== 32) return undefined;
    const own = outbox.all().find((one) => equal(one.id, id));
    const known = own?.height === undefined ? undefined : await ownPlace(id, own.height);
    if (known) return known;
    const firstOf = async (positions: readonly Position[]): Promise<TxView | undefined> => {
      // A close, which is reported with its channel's opening, comes after it.
      const [first] = [...positions].sort((a, b) => a.height - b.height || a.index - b.index);
      return first && (await placed(id, first));
    };
    const here = await firstOf(await chain.blocks.find(id));
    if (here) return here;
    const found = await reader.ask({ type: 'find', id }, ({ positions }) => firstOf(positions));
    if (found) return found;
    const isOurs = own?.state === 'pending';
    const tx = pool.get(toHex(id)) ?? (isOurs ? decode(SignedTx, own.bytes) : undefined);
    return tx && { id, tx, position: undefined, blockId: undefined, confirmations: 0 };
  }

  async function supply(): Promise<Supply> {
    const head = headers.head();
    if (summed && equal(summed.head, head.id)) return summed.supply;
    const known = chain.state.after(head.id);
    const whole = known && isWhole(known) ? known : undefined;
    const sum = supplyOf(network.params, head.header.height, whole);
    if (whole) summed = { head: head.id, supply: sum };
    return sum;
  }

  return { block, transaction, supply };
}
