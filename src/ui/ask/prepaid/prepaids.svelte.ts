/** What the Ask screen knows of prepaid answers: who offers them, what is set aside, what was answered. */
import type {
  AnswerCheck,
  AskedPrepaid,
  Distrusted,
  PaidAnswer,
  Prepaid,
  Provider,
} from '../../../client/api.ts';
import { concat, equal } from '../../../lib/bytes.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Session } from '../../session.svelte.ts';
import { begunIn } from '../begun.ts';
import { heldIn, withChannel } from './prepaid.ts';

/** As many as the client keeps. */
const ANSWERS_MAX = 200;

/** An answer that is on its way. */
interface Arriving {
  readonly channel: Uint8Array;
  readonly model: Uint8Array;
  readonly input: Uint8Array;
  /** Of the question; undefined before the first part. */
  readonly n: number | undefined;
  readonly bytes: Uint8Array;
}

export class Prepaids {
  /** Of the model asked for last, best first; undefined until they were read. */
  providers = $state.raw<readonly Provider[]>();
  /** Whom a question goes to; undefined: this device. It stays where it is while a person is at it. */
  provider = $state.raw<Provider>();
  /** The one that was chosen in place of who gave nothing. */
  instead = $state.raw<Provider>();
  distrusted = $state.raw<readonly Distrusted[]>([]);
  /** Newest last; undefined until they were read. */
  channels = $state.raw<readonly Prepaid[]>();
  /** Newest first. */
  answers = $state.raw<readonly PaidAnswer[]>([]);
  /** The one that was asked for from here last, until it is whole. */
  arriving = $state.raw<Arriving>();
  /** The one that was whole last, while this screen is open. */
  latest = $state.raw<PaidAnswer>();
  /** What asking ended with, if not with an answer. */
  failed = $state.raw<AppError>();
  /** nV that all channels together may hold; undefined until it is known. */
  allowed = $state.raw<bigint>();
  readonly #session: Session;
  #wanted: Uint8Array | undefined;
  /** A person said who answers. */
  #isPicked = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Reads, and follows changes until the result is called. */
  start(): () => void {
    const stop = this.#session.on((event) => {
      if (event.type === 'prepaid') this.note(event.channel);
      else if (event.type === 'part') this.#notePart(event);
      else if (event.type === 'paid') this.noteAnswer(event.answer);
    });
    void this.#read().catch((error: unknown) => this.#session.fail(error));
    return stop;
  }

  /** nV that may still be set aside. */
  get free(): bigint {
    const left = (this.allowed ?? 0n) - heldIn(this.channels ?? []);
    return left > 0n ? left : 0n;
  }

  /**
   * Who answers with a model, now: offers come and go.
   * @param isIdle nothing was typed yet on this screen: the best one may take the place of this device
   */
  async refresh(model: Uint8Array, isIdle: boolean): Promise<void> {
    if (!this.#wanted || !equal(this.#wanted, model)) {
      [this.providers, this.provider, this.failed] = [undefined, undefined, undefined];
      this.#isPicked = false;
    }
    this.#wanted = model;
    const providers = await this.#session.peer.providers(model).catch(() => undefined);
    if (!providers || this.#wanted !== model) return;
    this.providers = providers;
    const { provider } = this;
    if (provider) this.provider = providers.find(({ key }) => equal(key, provider.key)) ?? provider;
    else if (!this.#isPicked) {
      const picked = this.#pickedBefore(model, providers);
      this.#isPicked = picked !== undefined;
      this.provider = picked?.provider ?? (isIdle && !picked ? providers[0] : undefined);
    }
  }

  /** Who the person said answers when they were here before, unless it has gone. */
  #pickedBefore(model: Uint8Array, providers: readonly Provider[]) {
    const { picked } = begunIn(this.#session);
    if (!picked || !equal(picked.model, model)) return undefined;
    const { key } = picked;
    const provider = key && providers.find((one) => equal(one.key, key));
    return key && !provider ? undefined : { provider };
  }

  pick(provider: Provider | undefined): void {
    [this.provider, this.instead] = [provider, undefined];
    this.#isPicked = true;
    if (this.#wanted) begunIn(this.#session).picked = { model: this.#wanted, key: provider?.key };
  }

  note(channel: Prepaid): void {
    this.channels = withChannel(this.channels ?? [], channel);
  }

  /** Asks, and waits for the whole answer. At the price that was shown: an offer may be dearer by now. */
  async ask(
    channel: Prepaid,
    asked: Required<Pick<AskedPrepaid, 'model' | 'input' | 'most' | 'price'>>,
  ): Promise<void> {
    const { model, input } = asked;
    const { id } = channel;
    const salt = crypto.getRandomValues(new Uint8Array(32));
    const mine = { channel: id, model, input, n: undefined, bytes: new Uint8Array() };
    [this.arriving, this.latest, this.failed] = [mine, undefined, undefined];
    this.instead = undefined;
    try {
      this.noteAnswer(await this.#session.peer.askPrepaid({ channel: id, salt, ...asked }));
    } catch (error) {
      this.failed = AppError.from(error);
      if (this.arriving && equal(this.arriving.channel, id)) this.arriving = undefined;
      await this.#leaveOut().catch(() => undefined);
      await this.#chooseNext(channel.provider, model).catch(() => undefined);
    }
  }

  /** Whoever gave nothing comes last for a while; the first that has not is chosen. */
  async #chooseNext(asked: Uint8Array, model: Uint8Array): Promise<void> {
    const providers = await this.#session.peer.providers(model);
    if (this.#wanted && !equal(this.#wanted, model)) return;
    this.providers = providers;
    const still = providers.find(({ key }) => equal(key, asked));
    const next = providers.find(({ gaveNothing }) => !gaveNothing);
    if (!next || (still && !still.gaveNothing)) return;
    this.pick(next);
    this.instead = next;
  }

  /** Runs the model on a kept answer, and keeps what that says. */
  async verify(answer: PaidAnswer): Promise<AnswerCheck> {
    const check = await this.#session.peer.verifyAnswer(answer);
    const { isEqual } = check;
    const verdict = isEqual ? 'equal' : 'false';
    this.#replace({ ...answer, verdict });
    if (!isEqual) await this.#leaveOut();
    return check;
  }

  /** Who was found out since is neither offered nor chosen any more. */
  async #leaveOut(): Promise<void> {
    this.distrusted = await this.#session.peer.distrusted();
    const isOut = ({ key }: Provider) => this.distrusted.some((one) => equal(one.key, key));
    this.providers = this.providers?.filter((one) => !isOut(one));
    if (this.provider && isOut(this.provider)) this.pick(undefined);
  }

  async #read(): Promise<void> {
    const { peer, keys } = this.#session;
    const [channels, answers, distrusted] = await Promise.all([
      peer.channels(),
      peer.answers(),
      peer.distrusted(),
    ]);
    const newer = this.channels ?? [];
    this.channels = newer.reduce(withChannel, [...channels]);
    this.answers = answers;
    this.distrusted = distrusted;
    if (this.#session.vault?.exists) this.allowed = await keys.channelsLimit();
  }

  #notePart(part: { channel: Uint8Array; n: number; bytes: Uint8Array }): void {
    const { arriving } = this;
    if (!arriving || !equal(arriving.channel, part.channel)) return;
    const before = arriving.n === part.n ? arriving.bytes : new Uint8Array();
    this.arriving = { ...arriving, n: part.n, bytes: concat(before, part.bytes) };
  }

  /** It has come, or is told of again. */
  noteAnswer(answer: PaidAnswer): void {
    if (!this.#replace(answer)) this.answers = [answer, ...this.answers].slice(0, ANSWERS_MAX);
    if (!this.arriving || !equal(this.arriving.channel, answer.channel)) return;
    [this.arriving, this.latest] = [undefined, answer];
  }

  /** Whether it was known. */
  #replace(answer: PaidAnswer): boolean {
    const isSame = ({ channel, n }: PaidAnswer) => equal(channel, answer.channel) && n === answer.n;
    if (this.latest && isSame(this.latest)) this.latest = answer;
    const at = this.answers.findIndex(isSame);
    if (at >= 0) this.answers = this.answers.with(at, answer);
    return at >= 0;
  }
}
