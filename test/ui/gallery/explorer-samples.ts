/** A small chain for looking at the explorer: every page finds something. */
import type { BlockView, ClientApi, TxView } from '../../../src/client/api.ts';
import type { Header, SignedTx } from '../../../src/core/formats.ts';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import { txId } from '../../../src/core/tx.ts';
import { equal, utf8 } from '../../../src/lib/bytes.ts';
import { ADDRESS, BALANCE, CHAIN } from '../memory-engine.ts';

const filled = (b: number) => new Uint8Array(32).fill(b);

const headerAt = (height: number): Header => ({
  ...{ version: 1, height, prevHash: filled(1), mmrRoot: filled(2), bodyRoot: filled(3) },
  ...{
    stateRoot: filled(4),
    sharesRoot: ZERO_HASH,
    time: CHAIN.headTimeMs - (CHAIN.height - height) * 5000,
  },
  miner: height % 3 ? filled(height % 251) : ADDRESS,
  ...{ bits: 0x1c00ffff, totalWork: BigInt(height) << 32n, nonce: 7n, modelId: filled(6) },
  jobId: height % 4 ? ZERO_HASH : filled(0x2e),
  proofDigest: filled(height % 256),
});

/** Pages of the explorer over these payments. */
export function explorerSamples(payments: readonly SignedTx[]): Partial<ClientApi> {
  const request: SignedTx = {
    tx: {
      ...{ type: 'request', chainId: 3, from: filled(9), nonce: 4, expiry: 9000, fee: 100_000n },
      ...{ modelId: filled(6), reward: 30_000_000n, lifetime: 60 },
      input: utf8('Quale lingua è questa?'),
    },
    signature: new Uint8Array(64),
  };
  const body = [...payments, request];
  const viewOf = (height: number): BlockView => ({
    ...{ id: filled(height % 256), header: headerAt(height), body },
    txIds: body.map(({ tx }) => txId(tx)),
    confirmations: CHAIN.height - height,
    workChecked: height > CHAIN.height - 100,
    proof: height > CHAIN.height - 100 ? { linear: 3, bytes: 41_877 } : undefined,
  });
  return {
    header: async (height) => headerAt(height),
    block: async (at) => (typeof at === 'number' && at <= CHAIN.height ? viewOf(at) : undefined),
    transaction: async (id): Promise<TxView | undefined> => {
      const index = body.findIndex(({ tx }) => equal(txId(tx), id));
      const position = { height: 8101, index };
      return index < 0
        ? undefined
        : { id, tx: body[index]!, position, blockId: filled(5), confirmations: 11 };
    },
    supply: async () => ({
      ...{ height: CHAIN.height, issued: 10_405_600_000_000_000n, burned: 1_250_000_000n },
      ...{ held: 10_405_598_750_000_000n, accounts: 214 },
    }),
    account: async (address) => ({ ...BALANCE, address }),
    history: async (_address, _max, from) => ({
      entries: payments.map((tx, index) => ({
        ...{ tx, position: { height: (from?.height ?? 8101) - index * 7, index } },
      })),
      ...{ total: 5, linked: true },
      next: from ? undefined : { height: 7000, index: 0 },
    }),
    diagnostics: async () => ({ version: 'pila/0.1.0', problems: [{ code: 'NET_TIMEOUT' }] }),
  };
}
