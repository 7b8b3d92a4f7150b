/**
 * Runs one end of one channel: events one after the other, the effects of each in order, each after the one before
 * has succeeded. It is the only writer of its channel. An effect that fails ends the runner, because what follows may
 * stand on it; whoever starts another one begins from the record.
 */
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';

/** Events that wait: frames of a stream, whose sender is held back, and heads. */
export const EVENTS_MAX = 64;

type Turn<State, Effect> = readonly [State, readonly Effect[]];

export interface ChannelRunnerOptions<State, Event, Effect> {
  readonly state: State;
  /** It may look at the chain first: nothing else happens in the channel meanwhile. */
  readonly next: (state: State, event: Event) => Turn<State, Effect> | Promise<Turn<State, Effect>>;
  /** Rejects only where nothing may follow, as where a record can't be written. */
  readonly perform: (effect: Effect) => Promise<void>;
}

export class ChannelRunner<State, Event, Effect> {
  readonly #options: ChannelRunnerOptions<State, Event, Effect>;
  readonly #queue = new SerialQueue(EVENTS_MAX, 'BUSY');
  #state: State;
  #failed: AppError | undefined;

  constructor(options: ChannelRunnerOptions<State, Event, Effect>) {
    this.#options = options;
    this.#state = options.state;
  }

  get state(): State {
    return this.#state;
  }

  /** What ended it. */
  get failed(): AppError | undefined {
    return this.#failed;
  }

  /** Resolves when all effects are done. @throws AppError BUSY, or what ended the runner */
  enter(event: Event): Promise<void> {
    return this.#queue.run(async () => {
      if (this.#failed) throw this.#failed;
      try {
        const [state, effects] = await this.#options.next(this.#state, event);
        this.#state = state;
        for (const effect of effects) await this.#options.perform(effect);
      } catch (e) {
        throw (this.#failed = AppError.from(e));
      }
    });
  }
}
