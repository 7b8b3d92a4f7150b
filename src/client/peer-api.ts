/** The client API of a peer with a chain: every method, and the part that answers it. */
import { formatAddress } from '../core/address.ts';
import { AppError } from '../lib/errors.ts';
import type { AskApi, ChainStatus, ClientApi, PrepaidApi } from './api.ts';
import { headersOf } from './explorer/explorer.ts';
import type { PeerParts } from './peer-parts.ts';
import type { ClientBase } from './stage.ts';

/** The client's API without the diagnostics for bug reports, and what it remembers: both need no chain. */
export type PeerApi = Omit<ClientApi, 'diagnostics' | 'takeIntent'>;
/** What the parts answer: what the device has worked is counted beside them. */
type PartsApi = Omit<PeerApi, 'worked'>;

export function peerApi(
  base: ClientBase,
  parts: PeerParts,
  apis: AskApi & PrepaidApi,
  status: () => ChainStatus,
): PartsApi {
  const { platform, network, modelService, worker } = base;
  const { chain, accounts, sending, balances, provider, mining, explorer } = parts;

  return {
    ...explorer,
    ...apis,
    ...modelService.api(() => worker.status()),
    status: async () => ({
      chain: status(),
      miner: worker.status(),
      holding: mining.holding(),
    }),
    header: async (height) => chain.headers.at(height),
    headers: (last, max) => headersOf(chain, last, max),

    watch: async (address) => balances.watch(address),
    unwatch: async (address) => balances.unwatch(address),
    async payTo(address) {
      mining.payTo(address);
      balances.watch(address);
      void mining.refresh();
    },
    balance: (address) => accounts.last(address),
    account: (address) => balances.account(address),
    history: (address, max, from) => accounts.history(address, max, from),
    income: (address, max, from) => accounts.income.read(address, max, from),
    payees: (address, pages) => accounts.payees.read(address, pages),
    submit: (bytes, replacing) => sending.submit(bytes, replacing),
    pending: () => sending.pending(),
    prepare: (...args) => sending.prepare(...args),
    async faucet(address) {
      if (!network.params.faucet || !platform.faucet)
        throw new AppError('FAUCET_OFF', 'this network has no faucet');
      return platform.faucet(formatAddress(address, network.params.prefix));
    },

    startMining: (options) => mining.start(options),
    throttleMining: (duty) => worker.throttle(duty),
    pauseMining: () => mining.pause(),
    finishMining: () => mining.finish(),
    provide: (provided) => provider.provide(provided),
    provided: async () => provider.status(),
  };
}
