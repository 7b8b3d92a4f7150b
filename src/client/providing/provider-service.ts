/**
 * Answering for pay as a whole: switched on with who is paid, offered to the network, and looked after while it is off,
 * as long as channels of before are open.
 */
import {
  inputTokens,
  isGenerator,
  modelId,
  sequenceBytes,
  shapeOfInput,
  tokensMax,
  unitBytesOf,
  type Manifest,
} from '../../core/manifest.ts';
import { OFFERED_MAX, type Offer, type UnsignedOffer } from '../../core/offer.ts';
import { pricedInput, priceTypeOf, type Price } from '../../core/price.ts';
import { txId } from '../../core/tx/tx.ts';
import { toHex, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { pause } from '../../lib/pause.ts';
import type { OnAsk } from '../../net/asking/ask-stream.ts';
import type { UnattendedApi } from '../../wallet/vault/vault-api.ts';
import type { PaidWork, Provided } from '../api.ts';
import type { ChannelChain } from '../channels/channel-chain.ts';
import type { ChannelStore } from '../channels/channel-store.ts';
import type { OfferBook } from '../channels/offer-book.ts';
import type { ServedModel } from '../channels/provided-channel.ts';
import type { ProviderRecord } from '../channels/provider-record.ts';
import { createProviding, type Providing, type ProvidingStatus } from '../channels/providing.ts';
import type { Answerer } from '../mining/answerer.ts';
import type { PayerBook } from './payer-book.ts';
import { fairPrice, type MiningNow } from './prices.ts';
import type { ToldPrices } from './told-prices.ts';

const U16_MAX = 0xffff;
/** ms between two tries to tell an offer while there is nobody to hear it, or nothing to offer. */
const UNTOLD_MS = 1000;

export interface ProviderServiceDeps {
  readonly chain: ChannelChain;
  readonly store: ChannelStore<ProviderRecord>;
  readonly payers: PayerBook;
  readonly told: ToldPrices;
  /** Undefined where nobody can sign. */
  readonly signers:
    Pick<UnattendedApi, 'servingKey' | 'signReceipt' | 'signClose' | 'signOffer'> | undefined;
  readonly answerer: Answerer;
  /** Models that are answered with now. */
  readonly served: () => readonly Manifest[];
  readonly mining: () => MiningNow;
  /** Where askers reach this node; undefined while it has no peers, or does not know their head. */
  readonly peerId: () => string | undefined;
  /** @returns number of peers that it was sent to */
  readonly announce: (offer: Offer) => Promise<number>;
  readonly offers: Pick<OfferBook, 'noteOwn' | 'announceMs' | 'repeatMs'>;
  readonly nowMs: () => number;
  readonly log: Log;
  readonly onChange: () => void;
}

export interface ProviderService {
  readonly onAsk: OnAsk;
  /** undefined: takes no more questions. @throws AppError SERVING_MISSING, and the keys' */
  provide(provided: Provided | undefined): Promise<void>;
  /** After a new head, and once at the start. */
  onHead(): Promise<void>;
  status(): PaidWork;
  stop(): void;
}

export function createProviderService(deps: ProviderServiceDeps): ProviderService {
  const { store, signers, answerer, log } = deps;
  let provided: Provided | undefined;
  let running: { readonly key: Uint8Array; readonly providing: Providing } | undefined;
  /** Aborted when what is offered changes, or nothing is any more. */
  let announcing = new AbortController();

  const manifestOf = (model: Uint8Array): Manifest | undefined =>
    deps.served().find((manifest) => toHex(modelId(manifest)) === toHex(model));

  const priceNow = (manifest: Manifest): Price =>
    namedPrice(manifest, provided) ?? fairPrice(manifest, deps.mining());

  /** The keys may come later, as a vault that a person makes: whoever needs them asks again. */
  async function ready(): Promise<Providing> {
    if (!signers) throw new AppError('SERVING_MISSING', 'no keys are here that sign by themselves');
    const key = await signers.servingKey();
    if (!key) throw new AppError('SERVING_MISSING', 'no serving key was made yet');
    if (running && toHex(running.key) === toHex(key)) return running.providing;
    const providing = createProviding({
      ...deps,
      signers,
      end: {
        provider: key,
        payee: () => provided?.payee,
        offerOf({ model, input }) {
          const manifest = manifestOf(model);
          if (!manifest) return undefined;
          const told = deps.told.least(model, deps.nowMs()) ?? priceNow(manifest);
          return servedModel(manifest, told, input);
        },
      },
    });
    running = { key, providing };
    return providing;
  }

  function offerOf({ payee }: Provided, provider: Uint8Array): UnsignedOffer | undefined {
    const peer = deps.peerId();
    const manifests = deps.served().slice(0, OFFERED_MAX);
    if (peer === undefined || !manifests.length) return undefined;
    const { queue, waitSeconds } = answerer.load();
    return {
      provider,
      payee,
      peer: utf8(peer),
      models: manifests.map((manifest) => {
        const [model, price] = [modelId(manifest), priceNow(manifest)];
        return { model, price, window: tokensMax(manifest) };
      }),
      queue: Math.min(U16_MAX, queue),
      waitSeconds: Math.min(U16_MAX, Math.ceil(waitSeconds)),
      time: deps.nowMs(),
    };
  }

  /** @returns number of peers that were told */
  async function announce(): Promise<number> {
    if (!provided || !running || !signers) return 0;
    const offer = offerOf(provided, running.key);
    if (!offer) return 0;
    // Before anybody hears it. What cannot be kept is told all the same, and holds for as long as this process.
    for (const { model, price } of offer.models)
      await deps.told.tell(model, price, deps.nowMs()).catch((e: unknown) => {
        log.debug('price.unkept', { code: AppError.from(e).code });
      });
    const signed = { offer, signature: await signers.signOffer(offer) };
    deps.offers.noteOwn(signed);
    return deps.announce(signed);
  }

  /**
   * A page that was just loaded has neither peers nor a model, and nobody knows its new peer id: it is told as soon as
   * there is somebody to hear it. Whoever heard the offer of before has then held the first one to be too soon.
   */
  async function keepAnnouncing(signal: AbortSignal): Promise<void> {
    for (let told = 0; !signal.aborted;) {
      // What goes wrong does not matter at the next time: keys that do not answer.
      const heardBy = await announce().catch((e: unknown) => {
        log.debug('offer.unannounced', { code: AppError.from(e).code });
        return 0;
      });
      if (heardBy) told++;
      const { offers, nowMs } = deps;
      const againMs = told === 1 ? offers.repeatMs(nowMs()) : offers.announceMs(nowMs());
      await pause(heardBy ? againMs : UNTOLD_MS, signal);
    }
  }

  function announceAnew(): void {
    announcing.abort();
    announcing = new AbortController();
    void keepAnnouncing(announcing.signal);
  }

  return {
    async onAsk(stream, open) {
      const providing = await ready().catch(() => undefined);
      if (providing) return providing.onAsk(stream, open);
      // An asker that is refused gives up its question, which is kept here and would block the channel: it comes again.
      if (store.get(txId(deps.chain.genesisId, open.opening.tx))) return undefined;
      await stream.send({ type: 'refused', code: 'CHANNEL_UNKNOWN', least: 0n });
      return undefined;
    },
    async provide(how) {
      if (!how) {
        provided = undefined;
        announcing.abort();
        return deps.onChange();
      }
      await ready();
      provided = how;
      announceAnew();
      deps.onChange();
    },
    async onHead() {
      // Without a channel there is nothing to look after, and no key to wake.
      if (!store.all().length) return;
      await (await ready()).onHead();
    },
    status: () => ({
      ...(running?.providing.status() ?? NOTHING),
      channels: store.all().length,
      isOn: provided !== undefined,
    }),
    stop() {
      provided = undefined;
      announcing.abort();
    },
  };
}

function namedPrice(manifest: Manifest, provided: Provided | undefined): Price | undefined {
  const type = priceTypeOf(manifest);
  const amount = type === 'tokens' ? provided?.tokenPrice : provided?.price;
  return amount === undefined ? undefined : { type, amount };
}

/** How an input is answered, and for how much; undefined: it is none of the model. */
function servedModel(m: Manifest, told: Price, input: Uint8Array): ServedModel | undefined {
  const priced = { ...pricedInput(told, m, input), unitBytes: unitBytesOf(m) };
  if (isGenerator(m)) {
    const tokens = inputTokens(input, m)?.subarray(0, priced.read);
    return tokens && { ...priced, tokens, passes: undefined };
  }
  const passSequences = shapeOfInput(m, input).sequences;
  const passes = { sequenceBytes: sequenceBytes(m), passSequences };
  return { ...priced, tokens: undefined, passes };
}

const NOTHING: ProvidingStatus = {
  channels: 0,
  streams: 0,
  answers: 0,
  units: 0,
  earned: 0n,
  last: undefined,
};
