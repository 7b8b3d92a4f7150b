/**
 * Proofs of work for a simulation: a keyed hash of the header, made by the simulated miners only, in place of a
 * winning unit's rows. It binds every field as the real proof does and cannot be guessed. Forging real proofs
 * is tested by `npm run attack`.
 */
import { createHmac } from 'node:crypto';
import type { Execution } from '../../src/core/tx/state-tx.ts';
import { fault, type Fault } from '../../src/core/faults.ts';
import type { Header, HeaderCore, Proof } from '../../src/core/formats.ts';
import { headerHash, headerWork } from '../../src/core/header/header.ts';
import { hash, plainHash } from '../../src/core/hash.ts';
import type { Params } from '../../src/core/params.ts';
import { equal, toHex } from '../../src/lib/bytes.ts';
import {
  MINER_OFF,
  type AnsweredJob,
  type FoundBlock,
  type Template,
} from '../../src/miner/engine/miner-api.ts';
import { PROOF } from '../chain/make-blocks.ts';
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

const SECRET = 'only the simulated miners know it';

const rowsOf = (core: HeaderCore): Uint8Array =>
  new Uint8Array(createHmac('sha256', SECRET).update(headerHash(core)).digest());

/** The found block for a template that has won. */
export function prove(core: HeaderCore): FoundBlock {
  const rows = rowsOf(core);
  return { header: { ...core, proofDigest: plainHash(rows) }, proof: { ...PROOF, rows } };
}

/** A proof that nobody worked for. */
export function forge(core: HeaderCore, random: Random): FoundBlock {
  const rows = Uint8Array.from({ length: 32 }, () => random.int(0, 255));
  return { header: { ...core, proofDigest: plainHash(rows) }, proof: { ...PROOF, rows } };
}

export const verifyWork = (params: Params, header: Header, { rows }: Proof): Fault | undefined =>
  params.rules.first(workFaults(header, rows));

function* workFaults(header: Header, rows: Uint8Array): Generator<Fault, void> {
  if (!equal(plainHash(rows), header.proofDigest)) yield fault('proof.digest');
  if (!equal(rows, rowsOf(header))) yield fault('proof.target', { height: header.height });
}

/** Execution of the simulation's model on an input: anybody can run it, at the cost of a unit. */
export const executionOf = (input: Uint8Array): Execution => ({
  execution: hash('execution', input),
  answer: plainHash(input).subarray(0, 16),
});

/** A miner that wins as a Poisson process: `power` in expected tries per ms. */
export class PoissonMiner {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #power: number;
  readonly #found: (template: Template) => void;
  #template: Template | undefined;
  #running = false;
  #timer: number | undefined;
  #bits = 0;

  constructor(clock: Clock, random: Random, power: number, found: (template: Template) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#power = power;
    this.#found = found;
  }

  run(running: boolean): void {
    this.#running = running;
    this.#draw();
  }

  work(template: Template | undefined): void {
    const before = this.#template;
    this.#template = template;
    // A Poisson process has no memory, so the wait need not be drawn again for every template.
    if (!before || !template || template.core.bits !== this.#bits) this.#draw();
  }

  #draw(): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    const template = this.#template;
    if (!this.#running || !template || !this.#power) return;
    this.#bits = template.core.bits;
    const meanMs = Number(headerWork(template.core)) / this.#power;
    this.#timer = this.#clock.after(this.#random.wait(meanMs), () => {
      this.#timer = undefined;
      const won = this.#template;
      if (won) this.#found(won);
      this.#draw();
    });
  }
}

/** ms that a unit on a request takes. */
const UNIT_MS = [500, 6000] as const;

/** Answers the request in work once a unit on it has run, once for each time that its job begins. */
class Answers {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #answered: (ran: AnsweredJob) => void;
  #job = '';
  #timer = 0;

  constructor(clock: Clock, random: Random, answered: (ran: AnsweredJob) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#answered = answered;
  }

  work(template: Template | undefined): void {
    const input = template?.jobInput;
    const job = template && input ? toHex(template.core.jobId) : '';
    if (job === this.#job) return;
    this.#clock.cancel(this.#timer);
    this.#job = job;
    if (!template || !input) return;
    const ran = { jobId: template.core.jobId, ...executionOf(input) };
    const unitMs = this.#random.between(...UNIT_MS);
    this.#timer = this.#clock.after(unitMs, () => this.#answered(ran));
  }
}

/** The simulated miner behind the miner worker's interface, for a client's platform. */
export function minerWorker(clock: Clock, random: Random, power: number) {
  const listeners = new Map<string, (value: never) => void>();
  let nonce = 0n;
  const emit = (event: string, value: unknown) => listeners.get(event)?.(value as never);
  const miner = new PoissonMiner(clock, random, power, ({ core }) => {
    emit('block', prove({ ...core, nonce: ++nonce }));
  });
  const answers = new Answers(clock, random, (ran) => emit('answered', ran));
  let template: Template | undefined;
  let running = false;
  const run = (on: boolean) => {
    running = on;
    miner.run(on);
    answers.work(on ? template : undefined);
    emit('status', { ...MINER_OFF, state: on ? 'running' : 'paused' });
  };
  return {
    on(name: string, listener: (value: never) => void) {
      listeners.set(name, listener);
      return () => void listeners.delete(name);
    },
    configure: async () => undefined,
    start: async () => run(true),
    async work(next: Template | undefined) {
      template = next;
      miner.work(next);
      if (running) answers.work(next);
    },
    pause: async () => run(false),
    finish: async () => run(false),
    check: async (header: Header, { rows }: Proof) => [...workFaults(header, rows)],
    execute: async (_modelId: Uint8Array, input: Uint8Array) => executionOf(input),
  };
}
