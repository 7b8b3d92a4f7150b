/** What a peer answers to other peers' requests, from its chain, full or light. */
import type { Header, Position, SignedTx } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import { assert } from '../../lib/errors.ts';
import {
  TXS_MAX,
  type BlockParts,
  type HistoryEntry,
  type SyncRequest,
  type SyncResponse,
} from '../../core/messages.ts';

export const AGENT = 'pila/0.1.0';

/** The requests that both chains answer, as far as they have what is asked for. */
export interface SyncSource {
  head(): ChainPoint;
  header(height: number): Promise<Header | undefined>;
  headersAfter(locator: readonly Uint8Array[], max: number): Promise<Header[]>;
  parts(ids: readonly Uint8Array[]): Promise<BlockParts[]>;
  proveState(id: Uint8Array, keys: readonly Uint8Array[]): Promise<Uint8Array | undefined>;
  statePart(id: Uint8Array, from: Uint8Array): Promise<Uint8Array | undefined>;
  witness(id: Uint8Array): Promise<Uint8Array | undefined>;
  history(address: Uint8Array, from: Position, max: number): Promise<HistoryEntry[]>;
  find(id: Uint8Array): Promise<Position[]>;
}

export const unavailable = (reason: string): SyncResponse => ({ type: 'unavailable', reason });

/** @param waiting transactions of the pool, best first @throws the store's errors */
export async function answer(
  source: SyncSource,
  request: SyncRequest,
  waiting: () => readonly SignedTx[],
): Promise<SyncResponse> {
  const { type } = request;
  // Peers that keep packages and offers answer these themselves and never come here.
  if (type === 'model' || type === 'offers') return unavailable(`no ${type} here`);
  const proven = (proof: Uint8Array | undefined): SyncResponse =>
    proof ? ({ type, proof } as SyncResponse) : unavailable('state not kept');
  switch (type) {
    case 'status': {
      const head = source.head();
      const genesis = await source.header(0);
      assert(genesis, 'every chain has a genesis');
      const { height, totalWork } = head.header;
      return { type, genesis, head: head.id, height, totalWork, agent: AGENT };
    }
    case 'headers':
      return { type, headers: await source.headersAfter(request.locator, request.max) };
    case 'blocks':
      return { type, blocks: await source.parts(request.ids) };
    case 'proof':
      return proven(await source.proveState(request.block, request.keys));
    case 'witness':
      return proven(await source.witness(request.block));
    case 'state':
      return proven(await source.statePart(request.block, request.from));
    case 'transactions':
      return { type, txs: waiting().slice(0, TXS_MAX) };
    case 'history': {
      const { address, from, max } = request;
      return { type, entries: await source.history(address, from, max) };
    }
    case 'find':
      return { type, positions: await source.find(request.id) };
  }
}
