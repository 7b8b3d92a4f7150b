/** A small chain for looking at the explorer: every page finds something. */
import { bodyOf } from '../../../src/core/tx/body.ts';
import type { BlockView, ClientApi, TxView } from '../../../src/client/api.ts';
import type { Header, SignedTx } from '../../../src/core/formats.ts';
import { hash } from '../../../src/core/hash.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { equal, toHex } from '../../../src/lib/bytes.ts';
import { ADDRESS, BALANCE, CHAIN, CHANNEL, LINGUA } from '../memory-engine.ts';

/** Looks like a hash. */
const filled = (b: number) => hash('block', Uint8Array.of(b));

/** As many as a screen asks for. */
const KEPT = 1024;
const OLDEST = CHAIN.height - KEPT + 1;

/** Waits as they happen, 5 s in the mean; difficulty that wanders with them; every 17th block is ours. */
function makeHeaders(): Header[] {
  let seed = 1800;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const ages = [0];
  for (let i = 1; i < KEPT; i++) ages.push(ages.at(-1)! - 5000 * Math.log(1 - random()));
  let totalWork = BigInt(OLDEST) << 42n;
  return Array.from({ length: KEPT }, (_, i): Header => {
    const height = OLDEST + i;
    const work = 4.2e12 * (1 + 0.18 * Math.sin(i / 140) + 0.06 * Math.sin(i / 31) + i / 6000);
    totalWork += BigInt(Math.round(work));
    return {
      version: 2,
      knows: 2,
      height,
      prevHash: filled(1),
      mmrRoot: filled(2),
      bodyRoot: filled(3),
      stateRoot: filled(4),
      time: CHAIN.headTimeMs - Math.round(ages[KEPT - 1 - i]!),
      miner: random() < 1 / 17 || i === KEPT - 2 ? ADDRESS : filled(height % 251),
      slip: 0,
      totalWork,
      nonce: 7n,
      model: 1,
      proofDigest: filled(height % 256),
    };
  });
}
const HEADERS = makeHeaders();
const headerAt = (height: number): Header => HEADERS[Math.max(0, height - OLDEST)]!;
/** Of the head, expected multiply-accumulates per block. */
export const DIFFICULTY = HEADERS.at(-1)!.totalWork - HEADERS.at(-2)!.totalWork;

/** Pages of the explorer over these payments. */
export function explorerSamples(payments: readonly SignedTx[]): Partial<ClientApi> {
  const opening: SignedTx = {
    tx: {
      type: 'channel',
      chainId: 3,
      from: filled(9),
      nonce: 4n,
      expiry: 9000,
      fee: 100_000n,
      provider: CHANNEL.provider,
      signer: filled(10),
      payee: CHANNEL.payee,
      limit: CHANNEL.limit,
      lifetime: 10_080,
    },
    signature: new Uint8Array(64),
  };
  const body = [...payments, opening];
  const viewOf = (height: number): BlockView => ({
    id: filled(height % 256),
    header: headerAt(height),
    work: DIFFICULTY,
    model: toHex(LINGUA.id),
    body: bodyOf(body),
    txIds: body.map(({ tx }) => txId(filled(0), tx)),
    confirmations: CHAIN.height - height,
    workChecked: height > CHAIN.height - 100,
    proof: height > CHAIN.height - 100 ? { linear: 3, bytes: 41_877 } : undefined,
  });
  return {
    header: async (height) => headerAt(height),
    headers: async (last, max) => HEADERS.slice(0, last - OLDEST + 1).slice(-max),
    block: async (at) => (typeof at === 'number' && at <= CHAIN.height ? viewOf(at) : undefined),
    transaction: async (id): Promise<TxView | undefined> => {
      const index = body.findIndex(({ tx }) => equal(txId(filled(0), tx), id));
      const position = { height: 8101, index };
      return index < 0
        ? undefined
        : { id, tx: body[index]!, position, blockId: filled(5), confirmations: 11 };
    },
    supply: async () => ({
      height: CHAIN.height,
      issued: 10_405_600_000_000_000n,
      held: 10_405_599_990_000_000n,
      burned: 10_000_000n,
      accounts: 214,
    }),
    account: async (address) => ({ ...BALANCE, address }),
    history: async (_address, _max, from) => ({
      entries: payments.map((tx, index) => ({
        id: txId(filled(0), tx.tx),
        tx,
        timeMs: 1_790_000_000_000,
        position: { height: (from?.height ?? 8101) - index * 7, index },
      })),
      total: 5,
      linked: true,
      next: from ? undefined : { height: 7000, index: 0 },
    }),
    diagnostics: async () => ({ version: 'pila/0.1.0', problems: [{ code: 'NET_TIMEOUT' }] }),
  };
}
