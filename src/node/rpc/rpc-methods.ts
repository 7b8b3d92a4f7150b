/** The JSON-RPC methods. Bytes are hex, amounts and work are decimal text, addresses are bech32m. */
import { FEES_FOR, proposedFees } from '../../chain/shared/fees.ts';
import { formatAddress } from '../../core/address.ts';
import { CodecError, decode, encode } from '../../core/codec.ts';
import { describeFault } from '../../core/faults.ts';
import { Header, SignedTx, type Tx } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { HISTORY_MAX } from '../../core/messages.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { txId } from '../../core/tx/tx.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { statusOf } from '../http/status.ts';
import type { RpcMethods } from './rpc.ts';
import type { SeedDeps } from '../seed/seed-deps.ts';
import { addressFrom } from '../../wallet/address.ts';

const wrong = (message: string): AppError => new AppError('RPC_PARAMS', message);
const missing = (what: string): AppError => new AppError('NOT_FOUND', `no such ${what}`);

function hexParam(value: unknown, name: string, size?: number): Uint8Array {
  const bytes = typeof value === 'string' ? fromHex(value, size) : undefined;
  if (!bytes) throw wrong(`${name} is hex${size ? ` of ${size} bytes` : ''}`);
  return bytes;
}

/** Any value with its bytes as hex, so that people can read it. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, readable(v)]));
  return value;
}

const shownHeader = (header: Header): object => ({
  id: toHex(blockId(header)),
  ...(readable(header) as object),
});

export function rpcMethods(deps: SeedDeps): RpcMethods {
  const { chain, network, transport, genesis } = deps;
  const { params } = network;
  let sequence = 0;

  const addressParam = (value: unknown): Uint8Array => {
    const address = typeof value === 'string' ? addressFrom(value, params.prefix) : undefined;
    if (!address) throw wrong(`address is bech32m text with the prefix ${params.prefix}`);
    return address;
  };
  /** The header at a height or with a block id. */
  const headerParam = async (value: unknown): Promise<Header> => {
    const byHeight = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
    const header = byHeight
      ? await chain.header(value)
      : ((await chain.block(hexParam(value, 'block', 32)))?.header ?? undefined);
    if (!header) throw missing('block');
    return header;
  };

  return {
    status: async () => statusOf(deps),
    getHeader: async ([block]) => shownHeader(await headerParam(block)),
    getChainTips: async () =>
      chain.tips().map(({ tip, branchLength }) => ({
        id: toHex(tip.id),
        height: tip.header.height,
        totalWork: tip.header.totalWork,
        branchLength,
        isHead: branchLength === 0,
      })),
    async getBlock([block]) {
      const header = await headerParam(block);
      const whole = await chain.block(blockId(header));
      if (!whole) return { header: shownHeader(header), txs: [], proof: null };
      const txs = whole.body.transactions.map((s) => ({
        id: toHex(txId(chain.params.genesis.id, s.tx)),
        ...(readable(s) as object),
      }));
      return { header: shownHeader(header), txs, proof: readable(whole.proof) };
    },
    async getTransaction([id]) {
      const wanted = hexParam(id, 'id', 32);
      const waiting = chain.mempool.get(toHex(wanted));
      if (waiting) return { position: null, tx: readable(waiting) };
      const position = await chain.position(wanted);
      const header = position && (await chain.header(position.height));
      const block = header && (await chain.block(blockId(header)));
      if (!position || !block) throw missing('transaction');
      return { position, tx: readable(block.body.transactions[position.index]) };
    },
    async getAccount([text]) {
      const address = addressParam(text);
      const account = chain.account(address);
      return {
        address: formatAddress(address, params.prefix),
        balance: account?.balance ?? 0n,
        nonce: account?.nonce ?? 0n,
        txCount: account?.txCount ?? 0,
        height: chain.head().header.height,
      };
    },
    async getProof([text]) {
      const { id, header } = chain.head();
      const proof = await chain.proveState(id, [stateKey.account(addressParam(text))]);
      if (!proof) throw missing('state');
      return { block: toHex(id), height: header.height, proof: toHex(proof) };
    },
    async getHistory([text, max]) {
      const address = addressParam(text);
      if (max !== undefined && !(Number.isSafeInteger(max) && (max as number) > 0))
        throw wrong('max is a whole number above 0');
      const count = Math.min((max as number | undefined) ?? HISTORY_MAX, HISTORY_MAX);
      const account = chain.account(address);
      return account ? readable(await chain.history(address, account.lastTx, count)) : [];
    },
    async submitTransaction([hex]) {
      const bytes = hexParam(hex, 'transaction');
      let tx: SignedTx;
      try {
        tx = decode(SignedTx, bytes);
      } catch (e) {
        if (e instanceof CodecError) throw new AppError('TX_MALFORMED', e.message);
        throw e;
      }
      const refused = await chain.addTx(tx);
      if (refused) throw new AppError('TX_REFUSED', describeFault(refused));
      await transport.announceTx({ tx, sequence: ++sequence });
      return toHex(txId(chain.params.genesis.id, tx.tx));
    },
    async getFees([kind]) {
      if (typeof kind !== 'string' || !Object.hasOwn(FEES_FOR, kind))
        throw wrong('the kind is transfer, channel or close');
      return proposedFees(chain.mempool.byFee(), FEES_FOR[kind as Tx['type']]);
    },
    getMempool: async () =>
      chain.mempool.byFee().map((s) => toHex(txId(chain.params.genesis.id, s.tx))),
    getPeers: async () => transport.peers(),
    getAddresses: async () => transport.addresses(),
    getSupply: async () => chain.stats(),
    getGenesis: async () => toHex(encode(Header, genesis)),
  };
}
