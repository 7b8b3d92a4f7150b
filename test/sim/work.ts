/**
 * Proofs of work for a simulation: a keyed hash of the header, made by the simulated miners only, in place of a
 * winning unit's rows. It binds every field as the real proof does and cannot be guessed. Forging real proofs
 * is tested by `npm run attack`.
 */
import { createHmac } from 'node:crypto';
import { fault, type Fault } from '../../src/core/faults.ts';
import type { Header, HeaderCore, Proof } from '../../src/core/formats.ts';
import { headerHash, type Claim } from '../../src/core/header/header.ts';
import { workOf } from '../../src/core/header/target.ts';
import { plainHash } from '../../src/core/hash.ts';
import type { Params } from '../../src/core/params.ts';
import { equal } from '../../src/lib/bytes.ts';
import { MINER_OFF, type FoundBlock, type Work } from '../../src/miner/engine/miner-api.ts';
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

/** A miner that wins as a Poisson process: `power` in expected tries per ms. */
export class PoissonMiner {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #power: number;
  readonly #found: (template: HeaderCore) => void;
  #template: Work | undefined;
  #running = false;
  #timer: number | undefined;
  #target = 0n;

  constructor(clock: Clock, random: Random, power: number, found: (template: HeaderCore) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#power = power;
    this.#found = found;
  }

  run(running: boolean): void {
    this.#running = running;
    this.#draw();
  }

  work(template: Work | undefined): void {
    const before = this.#template;
    this.#template = template;
    // A Poisson process has no memory, so the wait need not be drawn again for every template.
    if (!before || !template || template.target !== this.#target) this.#draw();
  }

  #draw(): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    const template = this.#template;
    if (!this.#running || !template || !this.#power) return;
    this.#target = template.target;
    const meanMs = Number(workOf(template.target)) / this.#power;
    this.#timer = this.#clock.after(this.#random.wait(meanMs), () => {
      this.#timer = undefined;
      const won = this.#template;
      if (won) this.#found(won.core);
      this.#draw();
    });
  }
}

/** The simulated miner behind the miner worker's interface, for a client's platform. */
export function minerWorker(clock: Clock, random: Random, power: number) {
  const listeners = new Map<string, (value: never) => void>();
  let nonce = 0n;
  const emit = (event: string, value: unknown) => listeners.get(event)?.(value as never);
  const miner = new PoissonMiner(clock, random, power, (core) => {
    emit('block', prove({ ...core, nonce: ++nonce }));
  });
  const run = (on: boolean) => {
    miner.run(on);
    emit('status', { ...MINER_OFF, state: on ? 'running' : 'paused' });
  };
  return {
    on(name: string, listener: (value: never) => void) {
      listeners.set(name, listener);
      return () => void listeners.delete(name);
    },
    configure: async () => undefined,
    start: async () => run(true),
    work: async (next: Work | undefined) => miner.work(next),
    pause: async () => run(false),
    finish: async () => run(false),
    check: async ({ header }: Claim, { rows }: Proof) => [...workFaults(header, rows)],
  };
}
