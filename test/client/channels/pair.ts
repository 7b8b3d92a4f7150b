/** The two ends of one channel, joined by lists of frames that a test can look into and change. */
import { schnorr } from '@noble/curves/secp256k1.js';
import { questionHash } from '../../../src/core/channel.ts';
import type { AskerFrame, ProviderFrame, Question } from '../../../src/core/ask-messages.ts';
import type { Price } from '../../../src/core/price.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { xof } from '../../../src/core/hash.ts';
import {
  ASKER_POLICY,
  askerOf,
  nextAsker,
  type Asked,
  type AskerEffect,
  type AskerEnd,
  type AskerEvent,
  type AskerSays,
  type Told,
} from '../../../src/client/channels/asker.ts';
import { AskerRecord, newAskerRecord } from '../../../src/client/channels/asker-record.ts';
import {
  nextProvider,
  PROVIDER_POLICY,
  providerOf,
  type ProviderEffect,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderSays,
} from '../../../src/client/channels/provider.ts';
import { newProviderRecord, ProviderRecord } from '../../../src/client/channels/provider-record.ts';
import type { ChannelView } from '../../../src/client/channels/terms.ts';
import type { SignedOpening, TxOf } from '../../../src/core/formats.ts';
import { signTx, txId } from '../../../src/core/tx/tx.ts';
import { keyFromEntropy } from '../../../src/wallet/keys.ts';
import { signAskerFrame, signProviderFrame } from './signing.ts';

export const filled = (fill: number, size = 32): Uint8Array => new Uint8Array(size).fill(fill);
export const SIGNER = filled(11);
export const SERVING = filled(12);
export const GENESIS = filled(1);
export const MODEL = filled(3);
export const PEERS = { asker: 'asker', provider: 'provider' };
/** 32 tokens, of 2 bytes each, cost 32 nV. */
export const TOKENS: Price = { type: 'tokens', amount: 1000n };
export const UNIT_BYTES = 2;

const ASKER = keyFromEntropy(filled(4));
/** Opened at height 10, so that it ends at 1000. */
const TERMS: TxOf<'channel'> = {
  type: 'channel',
  chainId: 3,
  from: ASKER.publicKey,
  nonce: 0n,
  expiry: 99,
  fee: 1000n,
  signer: schnorr.getPublicKey(SIGNER),
  provider: schnorr.getPublicKey(SERVING),
  payee: filled(5),
  limit: 100_000n,
  lifetime: 990,
};
export const openingWith = (terms: Partial<TxOf<'channel'>>): SignedOpening => {
  const tx = { ...TERMS, ...terms };
  return { tx, signature: signTx(GENESIS, tx, ASKER.secret).signature };
};
export const OPENING = openingWith({});
export const CHANNEL = txId(GENESIS, OPENING.tx);
/** Deep enough for everything below. */
export const VIEW: ChannelView = {
  height: 100,
  subsidy: 1000n,
  closeCost: 50n,
  depth: 90,
  expiry: 1000,
  isLost: false,
  isOver: false,
};
export const PROVIDER_END: ProviderEnd = {
  genesis: GENESIS,
  provider: TERMS.provider,
  payee: TERMS.payee,
  offerOf: ({ model, input }) =>
    model[0] === MODEL[0]
      ? { price: TOKENS, read: readIn(input), unitBytes: UNIT_BYTES }
      : undefined,
  earlier: 0n,
  policy: PROVIDER_POLICY,
};
export const ASKER_END: AskerEnd = { genesis: GENESIS, policy: ASKER_POLICY };

/** The first byte of an input costs nothing, so that most tests count what is answered alone. */
export const readIn = (input: Uint8Array): number => input.length - 1;

let salts = 0;
export const asked = (most: number, more: Partial<Asked> = {}): Asked => ({
  model: MODEL,
  price: TOKENS,
  most,
  salt: filled(++salts % 256),
  options: new Uint8Array(),
  input: Uint8Array.of(salts),
  unitBytes: UNIT_BYTES,
  read: readIn(more.input ?? Uint8Array.of(0)),
  ...more,
});

/** The exact model: units `from` to `to` of its answer. */
export const answerTo = ({ salt, options, input }: Question, from: number, to: number) =>
  xof('answer', to * UNIT_BYTES, questionHash(salt, options, input)).slice(from * UNIT_BYTES);

export type Serve = Extract<ProviderEffect, { type: 'serve' }>;
export class Pair {
  asker;
  provider;
  view = VIEW;
  readonly toProvider: AskerFrame[] = [];
  readonly toAsker: ProviderFrame[] = [];
  readonly told: Told[] = [];
  readonly closes: Extract<ProviderEffect, { type: 'close' }>[] = [];
  readonly serves: Serve[] = [];
  readonly ranks: Serve['rank'][] = [];
  /** Types of effects in the order in which they were carried out. */
  readonly trace: string[] = [];
  /** What a test puts in place of a frame. */
  fromProvider = (frame: ProviderFrame): readonly ProviderFrame[] => [frame];
  fromAsker = (frame: AskerFrame): readonly AskerFrame[] => [frame];
  /** Units after which the model ends an answer by itself. */
  answerUnits = 1_000_000;
  readonly askerEnd: AskerEnd;
  providerEnd: ProviderEnd;
  readonly opening: SignedOpening;
  #streams = 0;
  readonly #isUnsigned: boolean;

  constructor(
    more: {
      terms?: Partial<TxOf<'channel'>>;
      askerEnd?: Partial<AskerEnd>;
      providerEnd?: Partial<ProviderEnd>;
      /** Frames have empty signatures, for policies that look at none. */
      isUnsigned?: boolean;
    } = {},
  ) {
    this.#isUnsigned = more.isUnsigned ?? false;
    this.opening = openingWith(more.terms ?? {});
    this.askerEnd = { ...ASKER_END, ...more.askerEnd };
    this.providerEnd = { ...PROVIDER_END, ...more.providerEnd };
    this.asker = askerOf(newAskerRecord(GENESIS, this.opening));
    this.provider = providerOf(newProviderRecord(GENESIS, this.opening));
  }

  enterAsker(event: AskerEvent): readonly AskerEffect[] {
    const [state, effects] = nextAsker(this.askerEnd, this.asker, event, this.view);
    this.asker = state;
    for (const effect of effects) {
      this.trace.push(`asker ${effect.type}`);
      if (effect.type === 'tell') this.told.push(effect);
      if (effect.type === 'send') this.toProvider.push(...this.fromAsker(this.#asked(effect.says)));
    }
    return effects;
  }

  enterProvider(event: ProviderEvent): readonly ProviderEffect[] {
    const [state, effects] = nextProvider(this.providerEnd, this.provider, event, this.view);
    this.provider = state;
    for (const effect of effects) {
      this.trace.push(`provider ${effect.type}`);
      if (effect.type === 'close') this.closes.push(effect);
      if (effect.type === 'serve') {
        this.serves.push(effect);
        this.ranks.push(effect.rank);
      }
      if (effect.type === 'send' && effect.stream === this.#streams)
        this.toAsker.push(...this.fromProvider(this.#answered(effect.says)));
    }
    return effects;
  }

  #answered(says: ProviderSays): ProviderFrame {
    const secret = this.#isUnsigned ? undefined : SERVING;
    return signProviderFrame(says, { genesis: GENESIS, secret });
  }

  #asked(says: AskerSays): AskerFrame {
    const secret = this.#isUnsigned ? undefined : SIGNER;
    return signAskerFrame(says, this.asker.record, { genesis: GENESIS, secret });
  }

  /** A new stream of both, after which what was on its way is lost. */
  connect(peers = PEERS): this {
    const stream = ++this.#streams;
    this.toProvider.length = this.toAsker.length = 0;
    this.enterAsker({ type: 'connected', stream, peers });
    const open = this.toProvider.splice(0).find((frame) => frame.type === 'open');
    if (open) this.enterProvider({ type: 'opened', stream, peers, signature: open.signature });
    return this.run();
  }

  /** Until nothing is on its way. */
  run(): this {
    while (this.deliver());
    return this;
  }

  deliver(): boolean {
    const stream = this.#streams;
    const toProvider = this.toProvider.shift();
    if (toProvider) this.enterProvider({ type: 'frame', stream, frame: toProvider });
    const toAsker = this.toAsker.shift();
    if (toAsker) this.enterAsker({ type: 'frame', stream, frame: toAsker });
    const serve = this.serves.shift();
    if (serve) this.produce(serve);
    return Boolean(toProvider ?? toAsker ?? serve);
  }

  produce({ run, from, upTo, question }: Serve): void {
    const to = Math.min(upTo, this.answerUnits);
    const bytes = answerTo(question, from, to);
    this.enterProvider({
      type: 'produced',
      run,
      bytes,
      units: to - from,
      last: to === this.answerUnits,
    });
  }

  ask(most: number, more: Partial<Asked> = {}): this {
    this.enterAsker({ type: 'ask', asked: asked(most, more) });
    return this.run();
  }

  /** Both ends died and start from what was stored. */
  restart(): this {
    this.asker = askerOf(decode(AskerRecord, encode(AskerRecord, this.asker.record)));
    this.provider = providerOf(
      decode(ProviderRecord, encode(ProviderRecord, this.provider.record)),
    );
    this.serves.length = 0;
    return this;
  }

  at(view: Partial<ChannelView>): this {
    this.view = { ...this.view, ...view };
    this.enterProvider({ type: 'chain' });
    this.enterAsker({ type: 'chain' });
    return this.run();
  }

  get codes(): string[] {
    return this.told.flatMap((told) => ('code' in told ? [told.code] : []));
  }
  get answers() {
    return this.told.filter((told) => told.what === 'answered');
  }
}
