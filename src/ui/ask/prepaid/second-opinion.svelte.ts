/** Having others answer the very same question, to compare: who is next, what it costs, who gave nothing. */
import type { ModelInfo, PaidAnswer, Prepaid, Provider } from '../../../client/api.ts';
import { untilDeepEnough } from '../../../client/prepaid/buying.ts';
import {
  askOthers,
  opinionOf,
  opinionsOn,
  takesWhole,
  type Opinion,
} from '../../../client/prepaid/second-opinion.ts';
import { costOf } from '../../../core/price.ts';
import { equal } from '../../../lib/bytes.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Session } from '../../session.svelte.ts';
import { channelWith, leftIn, priceFor } from './prepaid.ts';
import type { Prepaids } from './prepaids.svelte.ts';

/** Blocks that are waited for, where whoever is asked wants to see more of them on what was set aside. */
const HEADS_MAX = 8;

/** One that may be asked for the same. */
export interface Candidate {
  readonly provider: Provider;
  /** nV for the whole answer. */
  readonly cost: bigint;
  /** That pays for it; undefined: something must be set aside first. */
  readonly channel: Prepaid | undefined;
  /** A question in that channel is not over yet: another one waits for that. */
  readonly isBusy: boolean;
}

export class SecondOpinion {
  /** Who answers with the answer's model, best first; undefined until they were read. */
  providers = $state.raw<readonly Provider[]>();
  /** Whom the question is at now. */
  asking = $state.raw<Provider>();
  /** Who gave nothing since it was pressed, and why. */
  failures = $state.raw<readonly { readonly provider: Provider; readonly error: AppError }[]>([]);
  /** What ended it that is nobody's fault but ours. */
  failed = $state.raw<AppError>();
  readonly #session: Session;
  readonly #prepaids: Prepaids;
  #over: AbortController | undefined;

  constructor(session: Session, prepaids: Prepaids) {
    this.#session = session;
    this.#prepaids = prepaids;
  }

  /** What others said of it, as far as their answers are kept. */
  opinions(answer: PaidAnswer, model: ModelInfo): Opinion[] {
    return opinionsOn(answer, this.#prepaids.answers, model);
  }

  /** Who may be asked, first who can be paid. */
  candidates(answer: PaidAnswer, model: ModelInfo): Candidate[] {
    const known = [answer.provider, ...this.opinions(answer, model).map(ofWhom)];
    const all = (this.providers ?? [])
      .filter((one) => !known.some((key) => equal(key, one.key)) && takesWhole(one, answer, model))
      .map((provider) => {
        const cost = costOf(priceFor(provider.price, model, answer.input), answer.units);
        const channel = channelWith(this.#prepaids.channels ?? [], provider.key);
        const pays = channel !== undefined && leftIn(channel) >= cost;
        const isBusy = pays && channel.isBusy;
        return { provider, cost, channel: pays ? channel : undefined, isBusy };
      });
    const rankOf = ({ channel, isBusy }: Candidate): number => (!channel ? 1 : isBusy ? 2 : 0);
    return all.sort((a, b) => rankOf(a) - rankOf(b));
  }

  async refresh({ id }: Pick<ModelInfo, 'id'>): Promise<void> {
    this.providers = await this.#session.peer.providers(id).catch(() => this.providers);
  }

  /** @param most nV that each of them may cost: what was shown */
  async ask(answer: PaidAnswer, model: ModelInfo, most: bigint): Promise<void> {
    const over = (this.#over = new AbortController());
    [this.failures, this.failed] = [[], undefined];
    const isIn = (all: readonly Provider[], { provider }: Candidate): boolean =>
      all.some(({ key }) => equal(key, provider.key));
    try {
      await askOthers({
        opinions: this.opinions(answer, model),
        next: async (tried) => {
          if (tried.length) await this.refresh(model);
          return this.candidates(answer, model).find(
            (one) => one.channel && !one.isBusy && one.cost <= most && !isIn(tried, one),
          )?.provider;
        },
        ask: (provider) => this.#askOne(provider, answer, model, over.signal),
        onFailed: (provider, error) => (this.failures = [...this.failures, { provider, error }]),
      });
    } catch (error) {
      // Of those who gave nothing each is told.
      if (!this.failures.length && !over.signal.aborted) this.failed = AppError.from(error);
    }
    this.asking = undefined;
    await this.refresh(model);
  }

  async #askOne(
    provider: Provider,
    answer: PaidAnswer,
    model: ModelInfo,
    over: AbortSignal,
  ): Promise<Opinion> {
    const { peer } = this.#session;
    const now = this.candidates(answer, model).find((one) => equal(one.provider.key, provider.key));
    const channel = now!.channel!.id;
    const stop = (): void => void peer.stopAsking(channel).catch(() => undefined);
    this.asking = provider;
    over.addEventListener('abort', stop);
    const { input, options, units: most } = answer;
    const salt = crypto.getRandomValues(new Uint8Array(32));
    const asked = { channel, model: model.id, input, options, most, price: provider.price, salt };
    try {
      const other = await untilDeepEnough(
        () => peer.askPrepaid(asked),
        () => this.#nextHead(over),
        HEADS_MAX,
        over,
      );
      if (over.aborted) throw new AppError('PASS_ABORTED', 'it was stopped');
      this.#prepaids.noteAnswer(other);
      return opinionOf(answer, other, model);
    } catch (error) {
      // What it may still give is compared with nothing.
      stop();
      throw error;
    } finally {
      over.removeEventListener('abort', stop);
    }
  }

  /** What is being made still comes and is paid. */
  stop(): void {
    this.#over?.abort();
  }

  #nextHead(over: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        off();
        resolve();
      };
      const height = this.#session.chain?.height;
      const off = this.#session.on((event) => {
        if (event.type === 'chain' && event.status.height !== height) end();
      });
      over.addEventListener('abort', end);
    });
  }
}

const ofWhom = ({ other }: Opinion): Uint8Array => other.provider;
