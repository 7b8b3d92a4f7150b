/** A provider as a transport sees it: the real machine behind a stream that a test cuts, holds back and changes. */
import { AskerFrame, ProviderFrame } from '../../../src/core/ask-messages.ts';
import type { Price } from '../../../src/core/price.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import type { SignedOpening } from '../../../src/core/formats.ts';
import { xof } from '../../../src/core/hash.ts';
import { AppError } from '../../../src/lib/errors.ts';
import type { AskReceiver, AskStream } from '../../../src/net/asking/ask-stream.ts';
import type { Transport } from '../../../src/net/transport.ts';
import { newProviderRecord } from '../../../src/client/channels/provider-record.ts';
import {
  nextProvider,
  PROVIDER_POLICY,
  providerOf,
  type ProviderEffect,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderState,
} from '../../../src/client/channels/provider.ts';
import { providerFrame } from '../../../src/client/channels/saying.ts';
import type { ChannelView } from '../../../src/client/channels/terms.ts';
import type { UnattendedApi } from '../../../src/wallet/vault/vault-api.ts';

export const PRICE: Price = { type: 'sequence', amount: 100n };

/** The exact model: a row for each sequence of the input. */
export const rowsOf = (input: Uint8Array, units: number, rowBytes: number): Uint8Array =>
  xof('answer', units * rowBytes, input);

interface Line {
  readonly id: number;
  readonly receiver: AskReceiver<ProviderFrame>;
  /** Frames on their way to the asker, one after the other. */
  tail: Promise<void>;
  isCut: boolean;
}

export class ProviderHost {
  view: ChannelView;
  isAway = false;
  /** Tries to reach it. */
  dials: string[] = [];
  readonly heard: AskerFrame[] = [];
  readonly closes: Extract<ProviderEffect, { type: 'close' }>[] = [];
  /** What a test puts in place of a frame to the asker; nothing: it is lost with the stream. */
  say: (frame: ProviderFrame) => readonly ProviderFrame[] | 'cut' = (frame) => [frame];
  /** Units after which the model ends an answer. */
  unitsMax = 1_000_000;
  /** What the model gives. */
  answer = rowsOf;
  readonly #signers: Pick<UnattendedApi, 'signReceipt'>;
  readonly #rowBytes: number;
  readonly #sequenceBytes: number;
  readonly #end: Omit<ProviderEnd, 'genesis'>;
  readonly #genesis: Uint8Array;
  readonly #states = new Map<string, ProviderState>();
  #line: Line | undefined;
  #lines = 0;

  constructor(given: {
    genesis: Uint8Array;
    provider: Uint8Array;
    payee: Uint8Array;
    view: ChannelView;
    rowBytes: number;
    sequenceBytes: number;
    signers: Pick<UnattendedApi, 'signReceipt'>;
  }) {
    this.view = given.view;
    this.#genesis = given.genesis;
    this.#signers = given.signers;
    this.#rowBytes = given.rowBytes;
    this.#sequenceBytes = given.sequenceBytes;
    this.#end = {
      provider: given.provider,
      payee: given.payee,
      offerOf: () => ({ price: PRICE, read: 0, unitBytes: given.rowBytes }),
      earlier: 0n,
      policy: PROVIDER_POLICY,
    };
  }

  get isOpen(): boolean {
    return this.#line !== undefined;
  }

  /** The provider's process died: what is stored is there again, here all that was written. */
  restart(): void {
    for (const [name, { record }] of this.#states) this.#states.set(name, providerOf(record));
    this.cut();
  }

  cut(): void {
    const line = this.#line;
    this.#line = undefined;
    if (!line || line.isCut) return;
    line.isCut = true;
    void this.#enter({ type: 'gone', stream: line.id });
    line.receiver.onGone();
  }

  readonly dial: NonNullable<Transport['ask']> = async (peer, receiverOf) => {
    this.dials.push(peer);
    await Promise.resolve();
    if (this.isAway) throw new AppError('NET_CLOSED', 'nobody there');
    const id = ++this.#lines;
    const stream: AskStream<AskerFrame> = {
      peers: { asker: 'asker', provider: peer },
      send: async (frame) => {
        if (line.isCut) throw new AppError('NET_CLOSED', 'cut');
        await this.#hear(id, decode(AskerFrame, encode(AskerFrame, frame)));
      },
      close: async () => {
        if (this.#line === line) this.cut();
      },
    };
    const line: Line = { id, receiver: receiverOf(stream), tail: Promise.resolve(), isCut: false };
    this.#line = line;
    return stream;
  };

  #opening: SignedOpening | undefined;
  async #hear(stream: number, frame: AskerFrame): Promise<void> {
    this.heard.push(frame);
    if (frame.type !== 'open') return this.#enter({ type: 'frame', stream, frame });
    this.#opening = frame.opening;
    const peers = { asker: 'asker', provider: this.dials.at(-1)! };
    await this.#enter({ type: 'opened', stream, peers, signature: frame.signature });
  }

  async #enter(event: ProviderEvent): Promise<void> {
    if (!this.#opening) return;
    const name = Buffer.from(this.#opening.signature).toString('hex');
    const before =
      this.#states.get(name) ?? providerOf(newProviderRecord(this.#genesis, this.#opening));
    const end = { ...this.#end, genesis: this.#genesis };
    const [state, effects] = nextProvider(end, before, event, this.view);
    this.#states.set(name, state);
    for (const effect of effects) await this.#perform(effect);
  }

  async #perform(effect: ProviderEffect): Promise<void> {
    if (effect.type === 'close') this.closes.push(effect);
    if (effect.type === 'send')
      this.#send(effect.stream, await providerFrame(effect.says, this.#signers));
    if (effect.type === 'drop' && this.#line?.id === effect.stream) this.#later(() => this.cut());
    if (effect.type !== 'serve') return;
    const { run, from, upTo, question } = effect;
    const rows = Math.ceil(question.input.length / this.#sequenceBytes);
    const whole = Math.min(rows, this.unitsMax);
    const units = Math.min(upTo, whole);
    const bytes = this.answer(question.input, units, this.#rowBytes).slice(from * this.#rowBytes);
    const last = units === whole;
    await this.#enter({ type: 'produced', run, bytes, units: units - from, last });
  }

  #send(stream: number, frame: ProviderFrame): void {
    const line = this.#line;
    if (line?.id !== stream) return;
    const said = this.say(frame);
    if (said === 'cut') return this.#later(() => this.cut());
    for (const each of said)
      this.#later(() => line.receiver.onFrame(decode(ProviderFrame, encode(ProviderFrame, each))));
  }

  #later(act: () => void | Promise<void>): void {
    const line = this.#line!;
    line.tail = line.tail
      .then(() => (line.isCut ? undefined : act()))
      .catch(() => this.#line === line && this.cut())
      .then(() => undefined);
  }
}
