/**
 * One step of a block before a judge who was told that it is false: from what the block commits to and the state
 * before the step alone, by plain code (docs/protocol.md §5.3–5.5, §5.8).
 */
import { blake3 } from '@noble/hashes/blake3.js';
import { unitLinears, unitShape, type Shape } from '../../src/core/manifest.ts';
import { knownStep, type StepInput } from '../../src/core/pow/known.ts';
import { equal } from '../../src/lib/bytes.ts';
import { naiveLinear } from '../oracle/naive-pass.ts';
import {
  aliveAt,
  answerOf,
  carriesHashOf,
  runStep,
  stateHashOf,
  type Parts,
  type State,
} from './run-step.ts';

/** What a block commits to. */
export interface Lists {
  readonly tokens: Uint32Array;
  readonly sigma0: Uint8Array;
  /** x_1..x_L. */
  readonly x: readonly Uint8Array[];
  /** t_1..t_L. */
  readonly t: readonly Uint8Array[];
}

/** `unproven`: what was given is not what the block commits to. */
export type Judgement = 'holds' | 'false' | 'unproven';

const isWithin = (values: Iterable<number>, low: number, high: number): boolean => {
  for (const x of values) if (x < low || x > high) return false;
  return true;
};

export class Judge {
  readonly #model: Parts;
  readonly #shape: Shape;
  /** States by what they were computed from. */
  readonly #ran = new Map<State | Lists, Uint8Array>();
  /** Transcripts by the operands that they were computed from. */
  readonly #multiplied = new Map<State, Uint8Array>();

  constructor(model: Parts) {
    this.#model = model;
    this.#shape = unitShape(model.manifest);
  }

  /** Whether this code gives the known answer of step ℓ: who fails must not judge. */
  knows(number: number): boolean {
    const { manifest } = this.#model;
    return equal(
      answerOf(this.#model, knownStep(manifest, number)),
      this.#shape.known[number - 1]!,
    );
  }

  /** @param before what linear ℓ−1 started from; of step 1 nothing, its tokens and tables are at hand */
  state(number: number, lists: Lists, before?: State): Judgement {
    if (!before) return this.#compare(number, lists, lists, { number: 1, tokens: lists.tokens });
    if (!this.#isCommitted(number - 1, lists, before)) return 'unproven';
    if (!this.#keepsBounds(number - 1, before)) return 'false';
    return this.#compare(number, lists, before, { number, ...before });
  }

  #compare(number: number, lists: Lists, from: State | Lists, step: StepInput): Judgement {
    const made = this.#ran.get(from) ?? answerOf(this.#model, step);
    this.#ran.set(from, made);
    return equal(made, lists.x[number - 1]!) ? 'holds' : 'false';
  }

  #isCommitted(linear: number, lists: Lists, state: State): boolean {
    return equal(stateHashOf(this.#shape, linear, state), lists.x[linear - 1]!);
  }

  #keepsBounds(linear: number, { a, carries }: State): boolean {
    const { low, high } = this.#model.manifest.linears[linear - 1]!;
    return (
      isWithin(a, low, high) &&
      aliveAt(this.#shape, linear).every((c) => isWithin(carries.get(c.name)!, c.low, c.high))
    );
  }

  /** The noisy product of linear ℓ from A_ℓ and the carries' hash. */
  transcript(linear: number, lists: Lists, own: State): Judgement {
    if (!this.#isCommitted(linear, lists, own)) return 'unproven';
    const made = this.#multiplied.get(own) ?? this.#transcriptOf(linear, lists, own);
    this.#multiplied.set(own, made);
    return equal(made, lists.t[linear - 1]!) ? 'holds' : 'false';
  }

  #transcriptOf(linear: number, lists: Lists, { a, carries }: State): Uint8Array {
    const l = unitLinears(this.#model.manifest)[linear - 1]!;
    const y = carriesHashOf(this.#shape, linear, carries);
    const [sigma, before] = sigmaBefore(this.#model, linear, lists);
    return naiveLinear(l, linear, sigma, before, a, this.#model.weights[linear - 1]!, y).t;
  }
}

const u32 = (n: number): Uint8Array => new Uint8Array(Uint32Array.of(n).buffer);

/** σ_{ℓ−1} and t_{ℓ−1}, from a block's lists. */
function sigmaBefore({ weights }: Parts, linear: number, { sigma0, x, t }: Lists) {
  let [sigma, before]: [Uint8Array, Uint8Array] = [sigma0, new Uint8Array(32)];
  const context = new TextEncoder().encode('pila 2 layer');
  for (let i = 0; i < linear - 1; i++) {
    const parts = [sigma, before, x[i]!, blake3(new Uint8Array(weights[i]!)), u32(i + 1)];
    sigma = blake3(Uint8Array.from(parts.flatMap((p) => [...p])), { context });
    before = t[i]!;
  }
  return [sigma, before] as const;
}

/** What linears 1..L start from in a plain pass, step by step. */
export function statesOf(model: Parts, tokens: Uint32Array): State[] {
  const states: State[] = [];
  for (const i of model.manifest.linears.keys()) {
    const before = states.at(-1);
    const step: StepInput = before ? { number: i + 1, ...before } : { number: 1, tokens };
    states.push(runStep(model, step) as State);
  }
  return states;
}
