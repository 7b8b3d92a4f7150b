/**
 * Answers token by token, several at once: a step of the model takes the last token of each, and tokens of the inputs
 * of those that begin; then the head, then each its choice. The person's own go before everything: while one of them
 * has a token to take, the others rest.
 */
import { AppError } from '../../lib/errors.ts';
import { OLDEST_EVERY, WAITING_MAX } from '../engine/answer-queue.ts';
import { RANKS, type Rank } from '../engine/miner-api.ts';
import type { Made } from './answer.ts';
import { Course, type Language } from './course.ts';
import { HEAD_ROWS_MAX } from './head.ts';
import type { Options } from './options.ts';
import type { Stepper } from './stepper.ts';

/** Tokens that are made ahead of whoever reads them. */
const AHEAD_MAX = 32;

export interface Request {
  readonly input: Uint32Array;
  readonly options: Options;
  /** Absent: the person's own. */
  readonly rank?: Rank;
  readonly signal?: AbortSignal;
}

interface Answer {
  readonly rank: Rank;
  readonly course: Course;
  /** Once it is in work. */
  conversation: number | undefined;
  /** Tokens that no step took yet: of the input, then the last that was chosen. */
  ahead: Uint32Array;
  /** Made and not yet read. */
  readonly made: Made[];
  last: Made | undefined;
  error: AppError | undefined;
  /** Nobody reads it any more. */
  isLeft: boolean;
  /** Wakes whoever waits for the next token. */
  wake: () => void;
}

/** Tokens of one answer in a step. */
interface Turn {
  readonly answer: Answer;
  readonly tokens: Uint32Array;
}

export class Generator {
  readonly #language: Language;
  readonly #stepper: Stepper;
  readonly #onStep: (tokens: number) => void;
  readonly #answers = new Set<Answer>();
  #isRunning = false;
  /** Answers that were taken into work. */
  #entered = 0;

  /** @param onStep called after each step and its choices, with the tokens that it took */
  constructor(
    language: Language,
    stepper: Stepper,
    onStep: (tokens: number) => void = () => undefined,
  ) {
    this.#language = language;
    this.#stepper = stepper;
    this.#onStep = onStep;
  }

  /**
   * The tokens of an answer. Whoever stops reading ends it.
   * @throws AppError INPUT_EMPTY, INPUT_LONG, BUSY, PASS_ABORTED when the signal fires or the AppError that is
   * its reason, and the stepper's
   */
  async *generate({
    input,
    options,
    rank = 'own',
    signal,
  }: Request): AsyncGenerator<Made, void, void> {
    const peers = [...this.#answers].filter((each) => each.rank === rank);
    if (peers.length >= WAITING_MAX[rank].jobs)
      throw new AppError('BUSY', `${peers.length} answers wait`);
    const answer: Answer = {
      rank,
      course: new Course(this.#language, input, options),
      conversation: undefined,
      // A copy: the caller's may change meanwhile.
      ahead: input.slice(),
      made: [],
      last: undefined,
      error: undefined,
      isLeft: false,
      wake: () => undefined,
    };
    const stop = (): void => {
      const { reason } = signal as { reason?: unknown };
      const isTold = reason instanceof AppError;
      answer.error ??= isTold ? reason : new AppError('PASS_ABORTED', 'the answer was stopped');
      answer.wake();
      // Also where nobody waits for a token.
      this.#start();
    };
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop);
    this.#answers.add(answer);
    try {
      for (;;) {
        const made = await this.#next(answer);
        yield made;
        if (made.finish) return;
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      answer.isLeft = true;
      this.#start();
    }
  }

  async #next(answer: Answer): Promise<Made> {
    for (;;) {
      this.#start();
      if (answer.error) throw answer.error;
      const made = answer.made.shift();
      if (made) return made;
      await new Promise<void>((resolve) => (answer.wake = resolve));
    }
  }

  #start(): void {
    if (!this.#isRunning) void this.#run();
  }

  /** Until there is nothing to do. Never rejects: what goes wrong is told to those whose answers it is about. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    for (;;) {
      this.#leave();
      this.#enter();
      const turns = this.#turns();
      if (!turns.length) break;
      await this.#step(turns);
    }
    // Before anybody else runs: whoever finds it running is sure to be seen.
    this.#isRunning = false;
  }

  /** Lets go of what has ended, also where its last tokens are not read yet. */
  #leave(): void {
    for (const answer of this.#answers) {
      if (!answer.isLeft && !answer.error && !answer.last?.finish) continue;
      if (answer.conversation !== undefined) this.#stepper.close(answer.conversation);
      this.#answers.delete(answer);
    }
  }

  /** Answers that no step has begun. */
  get waiting(): number {
    return [...this.#answers].filter((answer) => answer.conversation === undefined).length;
  }

  /** Takes those that wait into work, as many as there is room for. */
  #enter(): void {
    for (let next = this.#following(); next; next = this.#following()) {
      try {
        next.conversation = this.#stepper.open();
        this.#entered++;
      } catch (e) {
        next.error ??= AppError.from(e);
        next.wake();
      }
    }
  }

  /**
   * Who comes into work next: by rank, then by age, and now and then whoever has waited longest. The last place is the
   * person's own, so that a question of theirs does not wait for the end of others' answers.
   */
  #following(): Answer | undefined {
    const answers = [...this.#answers].filter(({ error }) => !error);
    const waiting = answers.filter(({ conversation }) => conversation === undefined);
    const free = this.#stepper.conversations - (answers.length - waiting.length);
    const entering = free > Math.min(1, this.#stepper.conversations - 1) ? waiting : [];
    const own = free > 0 ? waiting.find(({ rank }) => rank === 'own') : undefined;
    if (own) return own;
    if ((this.#entered + 1) % OLDEST_EVERY === 0) return entering[0];
    return RANKS.map((rank) => entering.find((each) => each.rank === rank)).find(Boolean);
  }

  /** What the next step takes: a token of each that has begun, then tokens of inputs, first come first served. */
  #turns(): Turn[] {
    const able = [...this.#answers].filter(
      ({ conversation, made }) => conversation !== undefined && made.length < AHEAD_MAX,
    );
    const own = able.filter(({ rank }) => rank === 'own');
    const open = own.length ? own : able;
    const [begun, beginning] = [open.filter((a) => a.last), open.filter((a) => !a.last)];
    let room = this.#stepper.together;
    const turns: Turn[] = [];
    for (const answer of [...begun, ...beginning]) {
      const tokens = answer.ahead.subarray(0, room);
      if (tokens.length) turns.push({ answer, tokens });
      room -= tokens.length;
    }
    return turns;
  }

  async #step(turns: readonly Turn[]): Promise<void> {
    try {
      const requests = turns.flatMap(({ answer, tokens }) =>
        Array.from(tokens, (token) => ({ conversation: answer.conversation!, token })),
      );
      await this.#take(turns, await this.#stepper.step(requests));
      this.#onStep(requests.length);
    } catch (e) {
      for (const { answer } of turns) answer.error ??= AppError.from(e);
    }
    for (const { answer } of turns) answer.wake();
  }

  /** Chooses a token for each whose tokens were all taken, from the row of the last of them. */
  async #take(turns: readonly Turn[], rows: Int8Array): Promise<void> {
    const { head } = this.#language;
    const ready: { readonly answer: Answer; readonly row: Int8Array }[] = [];
    let end = 0;
    for (const { answer, tokens } of turns) {
      end += tokens.length * head.size;
      answer.ahead = answer.ahead.subarray(tokens.length);
      if (!answer.ahead.length) ready.push({ answer, row: rows.subarray(end - head.size, end) });
    }
    for (let from = 0; from < ready.length; from += HEAD_ROWS_MAX) {
      const part = ready.slice(from, from + HEAD_ROWS_MAX);
      const joined = new Int8Array(part.length * head.size);
      for (const [i, { row }] of part.entries()) joined.set(row, i * head.size);
      await head.each(joined, (logits, i) => {
        const { answer } = part[i]!;
        const token = answer.course.choose(logits);
        answer.last = { token, finish: answer.course.take(token) };
        answer.made.push(answer.last);
        answer.ahead = Uint32Array.of(token);
      });
    }
  }
}
