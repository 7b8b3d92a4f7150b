/** Answers token by token, several at once: a step of the model for all of them, then the head, then each its choice. */
import { AppError } from '../../lib/errors.ts';
import { Course, type Finish, type Language } from './course.ts';
import { HEAD_ROWS_MAX } from './head.ts';
import type { Options } from './options.ts';
import type { Conversation, Stepper } from './stepper.ts';

/** Answers in work and waiting. */
const ANSWERS_MAX = 64;
/** Tokens that are made ahead of whoever reads them. */
const AHEAD_MAX = 32;

/** A token of an answer; with the last one comes why it is. */
export interface Made {
  readonly token: number;
  readonly finish: Finish | undefined;
}

export interface Request {
  readonly input: Uint32Array;
  readonly options: Options;
  readonly signal?: AbortSignal;
}

interface Answer {
  readonly input: Uint32Array;
  readonly course: Course;
  readonly signal: AbortSignal | undefined;
  /** Once it is in work, and then it has a last token too. */
  conversation: Conversation | undefined;
  /** Made and not yet read. */
  readonly made: Made[];
  last: Made | undefined;
  error: AppError | undefined;
  /** Nobody reads it any more. */
  isLeft: boolean;
  /** Wakes whoever waits for the next token. */
  wake: () => void;
}

export class Generator {
  readonly #language: Language;
  readonly #stepper: Stepper;
  /** Answers in work at once. */
  readonly #width: number;
  readonly #answers = new Set<Answer>();
  #isRunning = false;

  constructor(language: Language, stepper: Stepper) {
    this.#language = language;
    this.#stepper = stepper;
    this.#width = Math.min(stepper.width, HEAD_ROWS_MAX);
  }

  /**
   * The tokens of an answer. Whoever stops reading ends it.
   * @throws AppError INPUT_EMPTY, INPUT_LONG, QUEUE_FULL, PASS_ABORTED when the signal fires, and the stepper's
   */
  async *generate({ input, options, signal }: Request): AsyncGenerator<Made, void, void> {
    if (this.#answers.size >= ANSWERS_MAX)
      throw new AppError('QUEUE_FULL', `${ANSWERS_MAX} answers are in work`);
    const answer: Answer = {
      input,
      course: new Course(this.#language, input, options),
      signal,
      conversation: undefined,
      made: [],
      last: undefined,
      error: undefined,
      isLeft: false,
      wake: () => undefined,
    };
    const stop = (): void => {
      answer.error ??= new AppError('PASS_ABORTED', 'the answer was stopped');
      answer.wake();
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
      if (answer.error) throw answer.error;
      const made = answer.made.shift();
      this.#start();
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
      const answers = [...this.#answers];
      const open = answers.filter(({ conversation }) => conversation !== undefined);
      const begins = open.length < this.#width ? answers.filter((a) => !open.includes(a)) : [];
      const goes = open.filter(({ last, made }) => !last?.finish && made.length < AHEAD_MAX);
      if (!begins.length && !goes.length) break;
      const [first] = begins;
      if (first) await this.#attempt([first], () => this.#begin(first));
      if (goes.length) await this.#attempt(goes, () => this.#step(goes));
    }
    // Before anybody else runs: whoever finds it running is sure to be seen.
    this.#isRunning = false;
  }

  /** Frees what has ended and what nobody reads. */
  #leave(): void {
    for (const answer of this.#answers) {
      if (!answer.isLeft && !answer.error) continue;
      if (answer.conversation !== undefined) this.#stepper.close(answer.conversation);
      this.#answers.delete(answer);
    }
  }

  async #attempt(answers: readonly Answer[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (e) {
      for (const answer of answers) answer.error ??= AppError.from(e);
    }
    for (const answer of answers) answer.wake();
  }

  async #begin(answer: Answer): Promise<void> {
    answer.conversation = this.#stepper.open();
    const { conversation, input, signal } = answer;
    await this.#choose([answer], await this.#stepper.prefill(conversation, input, signal));
  }

  async #step(answers: readonly Answer[]): Promise<void> {
    const next = answers.map(({ conversation, last }) => ({
      conversation: conversation!,
      token: last!.token,
    }));
    await this.#choose(answers, await this.#stepper.step(next));
  }

  /** The next token of each, from its row. */
  async #choose(answers: readonly Answer[], rows: Int8Array): Promise<void> {
    await this.#language.head.each(rows, (logits, row) => {
      const answer = answers[row]!;
      const token = answer.course.choose(logits);
      answer.last = { token, finish: answer.course.take(token) };
      answer.made.push(answer.last);
    });
  }
}
