/**
 * The client API of a newcomer, which knows no genesis yet. Calls that need no chain are answered at once; every
 * other call waits until the genesis is known. From then on the peer answers.
 */
import type { ErrorCode } from '../lib/error-codes.ts';
import { AppError } from '../lib/errors.ts';
import { CLIENT_METHODS, HOLDING_ALL } from './api.ts';
import type { Newcomer } from './newcomer.ts';
import type { PeerApi } from './peer-api.ts';
import type { Peer } from './peer.ts';
import type { ClientBase } from './stage.ts';
import { readBalance } from './wallet/accounts.ts';

/** `opened`: the peer, once the genesis is known. */
export function newcomerApi(base: ClientBase, newcomer: Newcomer, opened: Promise<Peer>): PeerApi {
  const { store, outbox, worker, modelService, events } = base;
  const fail = (code: ErrorCode, message: string) => async (): Promise<never> => {
    throw new AppError(code, message);
  };

  const withoutChain: Partial<PeerApi> = {
    ...base.asking,
    ...modelService.api(() => worker.status()),
    status: async () => ({
      chain: newcomer.status(),
      miner: worker.status(),
      holding: HOLDING_ALL,
    }),
    header: async () => undefined,
    headers: async () => [],
    block: async () => undefined,
    transaction: async () => undefined,
    supply: fail('NO_GENESIS', 'no chain yet'),

    balance: (address) => readBalance(store, address),
    account: fail('NO_PEERS', 'no peer proves this address'),
    history: async () => ({ entries: [], total: 0, linked: true, next: undefined }),
    income: async () => ({ blocks: [], next: undefined }),
    pending: async () => outbox.all(),
    prepare: fail('NOT_PROVEN', 'no balance of this address was proven yet'),

    throttleMining: (duty) => worker.throttle(duty),
    pauseMining: () => worker.pause(),
    finishMining: () => worker.finish(),
  };

  let peer: Peer | undefined;
  opened.then(
    (made) => (peer = made),
    (e: unknown) => {
      const { code, message } = AppError.from(e);
      events.emit('report', { type: 'problem', code, message });
    },
  );

  type Call = (...args: unknown[]) => Promise<unknown>;
  const call =
    (method: keyof PeerApi): Call =>
    async (...args) => {
      const api = peer?.api ?? (method in withoutChain ? withoutChain : (await opened).api);
      return await (api[method] as Call)(...args);
    };
  const methods = CLIENT_METHODS.filter(
    (method) => method !== 'diagnostics' && method !== 'takeIntent',
  );
  return Object.fromEntries(methods.map((method) => [method, call(method)])) as unknown as PeerApi;
}
