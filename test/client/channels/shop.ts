/** A provider at a full chain of real blocks, and askers who come over streams in memory. */
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import {
  ASKER_POLICY,
  askerOf,
  nextAsker,
  type Asked,
  type AskerEffect,
  type AskerEvent,
  type AskerState,
  type Told,
} from '../../../src/client/channels/asker.ts';
import { newAskerRecord, type AskerRecord } from '../../../src/client/channels/asker-record.ts';
import type { ChannelChain } from '../../../src/client/channels/channel-chain.ts';
import { ChannelRunner } from '../../../src/client/channels/channel-runner.ts';
import { openProviderStore } from '../../../src/client/channels/channel-store.ts';
import type { ServedModel } from '../../../src/client/channels/provided-channel.ts';
import { createProviding, type Providing } from '../../../src/client/channels/providing.ts';
import type { Answerer } from '../../../src/client/mining/answerer.ts';
import { openPayerBook } from '../../../src/client/providing/payer-book.ts';
import { receiptHash, signHash } from '../../../src/core/channel.ts';
import type { Price } from '../../../src/core/price.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { SignedOpening, SignedTx, Tx, type TxOf } from '../../../src/core/formats.ts';
import { xof } from '../../../src/core/hash.ts';
import { signTx, txBytes } from '../../../src/core/tx/tx.ts';
import { ANSWER_TOKEN_BYTES } from '../../../src/core/manifest.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { silentLog } from '../../../src/lib/log.ts';
import type { Made } from '../../../src/miner/generator/answer.ts';
import type { OnAsk } from '../../../src/net/asking/ask-stream.ts';
import { createFullChannelChain } from '../../../src/node/seed/full-channel-chain.ts';
import {
  GENESIS_ID,
  MANIFEST,
  mine,
  MODEL,
  openChain,
  PARAMS,
  person,
  prepay,
  SIGNER,
  START_MS,
  type Person,
} from '../../chain/make-blocks.ts';
import { linkOpened, type AskLink } from '../ask-link.ts';
import { createOneByOne } from './one-by-one.ts';
import { signAskerFrame } from './signing.ts';

export const [ann, bob, cat] = [person(1), person(2), person(3)] as const;
/** What a sequence costs, nV. */
export const COST = 100_000n;
export const PASS_SEQUENCES = 4;
const PRICE: Price = { type: 'sequence', amount: COST };

export const wait = { timeout: 5_000, interval: 2 };

/** Its clock is late enough for all that is mined here. */
export const emptyChain = (): Promise<FullChain> =>
  openChain(undefined, { ms: START_MS + 10_000_000 }, { genesisTimeMs: async () => START_MS });

/** Of the model that speaks: a token of its input for each byte, and what a thousand cost. */
export const SPEAKER = new Uint8Array(32).fill(0x5e);
export const TOKENS: Price = { type: 'tokens', amount: 1000n * COST };

/** A sequence for each byte of the input. */
const SERVED = {
  price: PRICE,
  read: 0,
  unitBytes: MANIFEST.answerSize,
  passes: { sequenceBytes: 1, passSequences: PASS_SEQUENCES },
  tokens: undefined,
};

/** A chain in which Ann has coins, and Bob one coinbase: so little as an answer costs makes no account. */
export async function richChain(blocks = 8): Promise<FullChain> {
  const chain = await emptyChain();
  await mine(chain, ann, 4);
  await mine(chain, bob, 1);
  await mine(chain, ann, blocks - 5);
  return chain;
}

/** The exact model of these tests: a row for each byte of the input. */
export const rowsOf = (input: Uint8Array): Uint8Array[] =>
  [...input].map((byte) => xof('answer', MANIFEST.answerSize, Uint8Array.of(byte)));

/** Token number `place` of the speaker's answer. */
export const tokenAt = (input: ArrayLike<number>, place: number): number =>
  input[place % input.length]! * 1000 + place;

const speakerOf = (input: Uint8Array): ServedModel => ({
  price: TOKENS,
  read: input.length,
  unitBytes: ANSWER_TOKEN_BYTES,
  passes: undefined,
  tokens: Uint32Array.from(input),
});

export interface ShopOptions {
  /** Before each token; it may wait or throw. */
  readonly speak?: (place: number) => Promise<void>;
  /** Tokens after which an answer ends by itself. */
  readonly length?: number;
  readonly nowMs?: () => number;
  readonly chain?: ChannelChain;
  readonly store?: Store;
  /** Before each pass; it may wait or throw. */
  readonly pass?: (input: Uint8Array) => Promise<void>;
}

/** A provider whose serving key and payee are Bob's. */
export class Shop {
  readonly full: FullChain;
  readonly chain: ChannelChain;
  readonly store: Store;
  /** First bytes of inputs, in the order in which the model ran on them. */
  readonly ran: number[] = [];
  #providing!: Providing;
  /** Places of the tokens that were made, in order; those of one answer begin with 0. */
  readonly spoken: number[] = [];
  /** Answers whose tokens are being made. */
  speaking = 0;
  #pass: NonNullable<ShopOptions['pass']>;
  readonly #speak: NonNullable<ShopOptions['speak']>;
  readonly #length: number;
  readonly #nowMs: () => number;

  private constructor(full: FullChain, { chain, store, pass, speak, length, nowMs }: ShopOptions) {
    this.#nowMs = nowMs ?? (() => START_MS);
    this.#speak = speak ?? (async () => undefined);
    this.#length = length ?? 1000;
    this.full = full;
    this.chain = chain ?? chainOf(full);
    this.store = store ?? createMemoryStore();
    this.#pass = pass ?? (async () => undefined);
  }

  static async open(full: FullChain, options: ShopOptions = {}): Promise<Shop> {
    const shop = new Shop(full, options);
    await shop.start();
    return shop;
  }

  /** Begins from what is stored, as a new process does. */
  async start(): Promise<void> {
    this.#providing = createProviding({
      chain: this.chain,
      store: await openProviderStore(this.store),
      payers: await openPayerBook(this.store),
      signers: {
        signReceipt: async (receipt) => signHash(receiptHash(GENESIS_ID, receipt), bob.secret),
        signClose: async (tx) => txBytes(signTx(GENESIS_ID, decode(Tx, tx), bob.secret)),
      },
      end: {
        provider: bob.xonly,
        payee: () => bob.address,
        offerOf: ({ model, input }) =>
          model[0] === MODEL[0] ? SERVED : model[0] === SPEAKER[0] ? speakerOf(input) : undefined,
      },
      answerer: createOneByOne(
        async ({ input }) => {
          await this.#pass(input);
          this.ran.push(input[0]!);
          return rowsOf(input);
        },
        performance.now.bind(performance),
        (job) => this.#tokens(job),
      ),
      nowMs: this.#nowMs,
      log: silentLog,
    });
    await this.#providing.onHead();
  }

  async *#tokens({ input, signal }: Parameters<Answerer['generate']>[0]): AsyncGenerator<Made> {
    this.speaking++;
    try {
      for (let place = 0; ; place++) {
        await this.#speak(place);
        if (signal.aborted) throw new AppError('PASS_ABORTED', 'nobody reads it any more');
        this.spoken.push(place);
        const isLast = place + 1 >= this.#length;
        yield { token: tokenAt(input, place), finish: isLast ? 'stop' : undefined };
        if (isLast) return;
      }
    } finally {
      this.speaking--;
    }
  }

  get onAsk(): OnAsk {
    return this.#providing.onAsk;
  }

  status() {
    return this.#providing.status();
  }

  onHead(): Promise<void> {
    return this.#providing.onHead();
  }

  /** Blocks, each with what it means to the provider. */
  async mine(blocks: number): Promise<void> {
    for (let i = 0; i < blocks; i++) {
      await mine(this.full, cat);
      await this.onHead();
    }
  }
}

export const chainOf = (full: FullChain): ChannelChain =>
  createFullChannelChain({
    params: PARAMS,
    genesisId: GENESIS_ID,
    chain: full,
    announce: async () => undefined,
  });

/** A channel of Ann's with Bob; `n`: her transactions before it. */
export const openingOf = (n: number, fields: Partial<TxOf<'channel'>> = {}): SignedOpening =>
  decode(SignedOpening, encode(SignedTx, prepay(ann, n, bob, fields)));

/** An asker's end as the program runs it, with the signer's key at hand. */
export class Customer {
  readonly told: Told[] = [];
  readonly refusals: string[] = [];
  /** Else its vouchers are lost on the way. */
  pays = true;
  readonly opening: SignedOpening;
  record: AskerRecord;
  current: AskLink | undefined;
  readonly #chain: ChannelChain;
  readonly #peer: string;
  readonly #signer: Person;
  #runner!: ChannelRunner<AskerState, AskerEvent, AskerEffect>;
  #streams = 0;
  #salt = 0;

  constructor(chain: ChannelChain, opening: SignedOpening, peer = 'asker', signer = SIGNER) {
    this.#chain = chain;
    this.opening = opening;
    this.#peer = peer;
    this.#signer = signer;
    this.record = newAskerRecord(GENESIS_ID, opening);
    this.restart();
  }

  restart(): void {
    this.#runner = new ChannelRunner({
      state: askerOf(this.record),
      next: async (state, event) =>
        nextAsker(
          { genesis: GENESIS_ID, policy: ASKER_POLICY },
          state,
          event,
          (await this.#chain.view(this.opening))!,
        ),
      perform: (effect) => this.#perform(effect),
    });
  }

  /** Comes to the shop, also again. */
  async visit({ onAsk }: { readonly onAsk: OnAsk }, peers = this.peers): Promise<this> {
    const stream = ++this.#streams;
    const open = signAskerFrame({ type: 'open', peers }, this.record, this.#keys);
    if (open.type !== 'open') throw new Error('unexpected');
    await this.#runner.enter({ type: 'connected', stream, peers });
    this.current = linkOpened(onAsk, open, this.peers, {
      onFrame: (frame) => {
        if (frame.type === 'refused') this.refusals.push(frame.code);
        return this.#runner.enter({ type: 'frame', stream, frame });
      },
      onGone: () => void this.#runner.enter({ type: 'gone', stream }).catch(() => undefined),
    });
    return this;
  }

  get peers() {
    return { asker: this.#peer, provider: 'provider' };
  }

  get #keys() {
    return { genesis: GENESIS_ID, secret: this.#signer.secret };
  }

  async ask(input: readonly number[], most = input.length): Promise<void> {
    await this.#ask(input, {
      model: MODEL,
      price: PRICE,
      most,
      unitBytes: MANIFEST.answerSize,
      read: 0,
    });
  }

  /** Of the model that speaks. */
  async talk(input: readonly number[], most: number): Promise<void> {
    await this.#ask(input, {
      model: SPEAKER,
      price: TOKENS,
      most,
      unitBytes: ANSWER_TOKEN_BYTES,
      read: input.length,
    });
  }

  #ask(
    input: readonly number[],
    of: Pick<Asked, 'model' | 'price' | 'most' | 'unitBytes' | 'read'>,
  ): Promise<void> {
    const salt = new Uint8Array(32).fill(++this.#salt);
    const options = new Uint8Array();
    const asked = { ...of, salt, options, input: Uint8Array.from(input) };
    return this.#runner.enter({ type: 'ask', asked });
  }

  enter(event: AskerEvent): Promise<void> {
    return this.#runner.enter(event);
  }

  get answers(): readonly Uint8Array[] {
    return this.told.flatMap((told) => (told.what === 'answered' ? [told.answer] : []));
  }

  async #perform(effect: AskerEffect): Promise<void> {
    if (effect.type === 'store') this.record = effect.record;
    if (effect.type === 'tell') this.told.push(effect);
    // The first frame went out with the stream.
    if (effect.type !== 'send' || effect.says.type === 'open') return;
    if (effect.says.type === 'voucher' && !this.pays) return;
    const frame = signAskerFrame(effect.says, this.record, this.#keys);
    await this.current?.toProvider.send(frame).catch(() => undefined);
  }
}
