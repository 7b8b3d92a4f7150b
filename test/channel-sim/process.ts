/** One end as a process: it may die between any two effects, and starts again from its disk. */
import { decode, encode, type Codec } from '../../src/core/codec.ts';

interface Stored<R> {
  readonly type: string;
  readonly record?: R;
}

export interface ProcessOptions<S, E, F extends Stored<R>, R> {
  readonly codec: Codec<R>;
  readonly first: R;
  readonly stateOf: (record: R) => S;
  readonly next: (state: S, event: E) => readonly [S, readonly F[]];
  /** What is on the disk from now on. */
  readonly stored: (record: R) => void;
  /** Everything but the writes, which this class does. */
  readonly perform: (effect: F) => void;
  /** Asked at each place between two effects. */
  readonly dies: () => boolean;
  /** Nothing is written: the rule that a test leaves out. */
  readonly isForgetful: boolean;
}

export class Process<S, E, F extends Stored<R>, R> {
  readonly #options: ProcessOptions<S, E, F, R>;
  #disk: Uint8Array;
  state: S | undefined;
  deaths = 0;
  /** It has forgotten its channel. */
  isDone = false;

  constructor(options: ProcessOptions<S, E, F, R>) {
    this.#options = options;
    this.#disk = encode(options.codec, options.first);
    this.state = options.stateOf(options.first);
  }

  get record(): R {
    return decode(this.#options.codec, this.#disk);
  }

  start(): void {
    this.state ??= this.#options.stateOf(this.record);
  }

  /** @returns whether it lives on */
  enter(event: E): boolean {
    const { next, dies } = this.#options;
    if (this.state === undefined || this.isDone) return false;
    const [state, effects] = next(this.state, event);
    this.state = state;
    for (const effect of effects) {
      if (dies()) return this.#die();
      this.#perform(effect);
    }
    return dies() ? this.#die() : true;
  }

  #perform(effect: F): void {
    const { codec, stored, perform, isForgetful } = this.#options;
    if (effect.type === 'store') {
      if (!isForgetful) this.#disk = encode(codec, effect.record!);
      stored(effect.record!);
    } else if (effect.type === 'forget') this.isDone = true;
    else perform(effect);
  }

  #die(): false {
    this.state = undefined;
    this.deaths++;
    return false;
  }
}
