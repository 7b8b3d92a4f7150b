/** The asker's end of channels in a seed: over its full chain, by signers in its data folder, with its payout key. */
import type { Store } from '../../chain/store/store.ts';
import type { ClientEvent } from '../../client/api.ts';
import { openPrepaid, type Prepaying } from '../../client/prepaid/prepaid.ts';
import { decode } from '../../core/codec.ts';
import { SignedTx } from '../../core/formats.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { formatAddress } from '../../core/address.ts';
import { requireRules } from '../http/health.ts';
import { createPaidInference, type AskPaid } from '../http/paid-inference.ts';
import type { Spendings } from '../http/spending.ts';
import type { SeedDeps } from './seed-deps.ts';

export interface SeedPrepaid extends Prepaying {
  askPaid: AskPaid;
}

/** @param store of channels, apart from the chain's, which can be fetched anew */
export async function openSeedPrepaid(
  deps: SeedDeps,
  store: Store,
  spendings: Spendings,
): Promise<SeedPrepaid> {
  const { chain, network, options, offers, sender, thread, transport, channels, packages } = deps;
  const { serving: keys, channelChain, answerer } = channels;

  async function execute(model: Uint8Array, input: Uint8Array): Promise<Uint8Array> {
    await thread.ensure(model);
    return thread.miner.execute(model, input);
  }
  const listeners = new Set<(event: ClientEvent) => void>();
  const prepaid = await openPrepaid({
    chain: channelChain,
    store,
    signers: keys,
    transport,
    models: packages.manifests,
    offers: () => offers.offers(Date.now()),
    submit: (opening) => sender.announce(decode(SignedTx, opening)),
    execute,
    verifyTokens: (claim) => answerer.verify(claim),
    report: (event) => listeners.forEach((listen) => listen(event)),
    nowMs: () => Date.now(),
  });

  offers.favour((provider) => prepaid.isKnown(provider));

  const askPaid = createPaidInference({
    prepaid: prepaid.api,
    keys,
    sender,
    spendings,
    limit: options.prepay,
    requireRules: () => requireRules(deps.outlook()),
    requireFunds(nV) {
      const balance = chain.account(sender.address)?.balance ?? 0n;
      if (balance >= nV) return;
      const address = formatAddress(sender.address, network.params.prefix);
      throw new AppError('FUNDS_SHORT', `${address} has ${balance} nV of the ${nV} needed`);
    },
    listen(channel, onPart) {
      const listener = (event: ClientEvent): void => {
        if (event.type === 'part' && equal(event.channel, channel)) onPart(event.n, event.bytes);
      };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    own: (model) => (packages.isWhole(toHex(model)) ? (input) => execute(model, input) : undefined),
    nextHead: () =>
      new Promise((resolve) => {
        const off = chain.subscribe((event) => {
          if (event.type !== 'head') return;
          off();
          resolve();
        });
      }),
  });

  const off = chain.subscribe(({ type }) => type === 'head' && prepaid.onHead());
  prepaid.onHead();
  // Openings that wait are in the pool again before a caller is let in: a new one would take their nonce.
  await prepaid.idle();
  return {
    ...prepaid,
    askPaid,
    stop() {
      off();
      prepaid.stop();
    },
  };
}
