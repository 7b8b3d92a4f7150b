/** A thread of check-exact.ts: units of one shape of a model on the naive oracle and the CPU backend. */
import { parentPort, workerData } from 'node:worker_threads';
import { unitLinears } from '../../src/core/manifest.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { tileCount } from '../../src/core/pow/transcript.ts';
import { expose, type Port } from '../../src/lib/rpc.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import {
  inShape,
  type ModelPackage,
  type PassInput,
  type PassResult,
} from '../../src/miner/engine/backend.ts';
import { inputToJson, resultToJson } from '../../test/browser/pass-json.ts';
import { modelOrMini } from '../../test/models/mini.ts';
import { createOracle, type Oracle } from '../../test/oracle/oracle-backend.ts';
import { randomBytes } from '../../test/oracle/random.ts';

/** What a thread is made with: the model, the place of the shape in its manifest, and what units follow from. */
export interface UnitsAsked {
  readonly name: string;
  readonly place: number;
  readonly seed: string;
}
const asked = workerData as UnitsAsked;
const TICKET_MAX = (1n << 256n) - 1n;

/** Tokens of a question at the edges: padding alone, the highest id alone, no padding; or padded somewhere. */
function questionOf(seed: string, index: number, m: ModelPackage['manifest']): Uint32Array {
  const tokens = tokensOf(randomBytes(`${seed} question`, 32), m);
  const edges = [tokens, tokens.map(() => 0), tokens.map(() => m.vocabulary - 1)];
  return edges[index % 6] ?? tokens.fill(0, 1 + (tokens[0]! % tokens.length));
}

/** Unit `index`: fresh tokens or a question's, noisy or plain, with a limit that none, few, or all tiles meet. */
function unitOf({ manifest }: ModelPackage, index: number): PassInput {
  const seed = `${asked.seed} ${manifest.name} ${index}`;
  const sigma0 = randomBytes(seed, 32);
  const tiles = BigInt(unitLinears(manifest).reduce((sum, l) => sum + tileCount(l), 0));
  const limits = [0n, TICKET_MAX / (2n * tiles), TICKET_MAX / tiles, TICKET_MAX / 3n, TICKET_MAX];
  const plain = index % 11 === 7;
  return {
    tokens:
      index % 3 === 1
        ? questionOf(seed, Math.floor(index / 3), manifest)
        : tokensOf(sigma0, manifest),
    sigma0: plain ? undefined : sigma0,
    limits: plain ? [] : manifest.linears.map(() => limits[index % limits.length]!),
    capture: 1 + (index % manifest.linears.length),
  };
}

/**
 * The oracle's result, and a harder question: limits that are exactly one tile's ticket, or one
 * less, so that every comparison of 256 bits counts.
 */
async function askOracle(oracle: Oracle, input: PassInput, index: number) {
  const found = await oracle.pass(input);
  const limits = found.tickets.map((tickets) => {
    const sorted = tickets.toSorted((x, y) => (x < y ? -1 : 1));
    return sorted[index % 4]! - BigInt(index % 2);
  });
  const linear = found.tickets.findIndex((list, l) => list.some((t) => t <= limits[l]!));
  const tile = found.tickets[linear]?.findIndex((t) => t <= limits[linear]!) ?? -1;
  const result: PassResult = {
    x: found.x,
    a: found.a,
    y: found.y,
    t: found.t,
    winner: linear < 0 ? undefined : { linear: linear + 1, tile },
    answer: found.answer,
    captured: found.operands[input.capture! - 1],
  };
  return { input: { ...input, limits }, result: resultToJson(result) };
}

const model = inShape(await modelOrMini(asked.name), asked.place);
const oracle = await createOracle(model);
const cpu = await createCpuBackend(model);

const api = {
  /** Unit `index`: what is asked, the oracle's result and the CPU's. */
  async unit(index: number) {
    const { input, result: want } = await askOracle(oracle, unitOf(model, index), index);
    return { input: inputToJson(input), want, got: resultToJson(await cpu.pass(input)) };
  },
  memory: (): number => cpu.memoryBytes(),
};
export type UnitsApi = typeof api;
expose(api, parentPort as unknown as Port);
