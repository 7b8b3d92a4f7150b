/**
 * Answers token by token, several at once: a step of the model takes the last token of each, and tokens of the inputs
 * of those that begin; then the head, then each its choice.
 */
import { AppError } from '../../lib/errors.ts';
import { Course, type Finish, type Language } from './course.ts';
import { HEAD_ROWS_MAX } from './head.ts';
import type { Options } from './options.ts';
import type { Stepper } from './stepper.ts';

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
  readonly #answers = new Set<Answer>();
  #isRunning = false;

  constructor(language: Language, stepper: Stepper) {
    this.#language = language;
    this.#stepper = stepper;
  }

  /**
   * The tokens of an answer. Whoever stops reading ends it.
   * @throws AppError INPUT_EMPTY, INPUT_LONG, QUEUE_FULL, PASS_ABORTED when the signal fires, and the stepper's
   */
  async *generate({ input, options, signal }: Request): AsyncGenerator<Made, void, void> {
    if (this.#answers.size >= ANSWERS_MAX)
      throw new AppError('QUEUE_FULL', `${ANSWERS_MAX} answers are in work`);
    const answer: Answer = {
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

  /** Takes those that wait into work, as many as there is room for. */
  #enter(): void {
    // Whoever is in work came before whoever waits.
    for (const answer of [...this.#answers].slice(0, this.#stepper.conversations)) {
      try {
        answer.conversation ??= this.#stepper.open();
      } catch (e) {
        answer.error ??= AppError.from(e);
        answer.wake();
      }
    }
  }

  /** What the next step takes: a token of each that has begun, then tokens of inputs, first come first served. */
  #turns(): Turn[] {
    const open = [...this.#answers].filter(
      ({ conversation, made }) => conversation !== undefined && made.length < AHEAD_MAX,
    );
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
