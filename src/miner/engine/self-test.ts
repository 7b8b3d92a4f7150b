/**
 * Tests that a device computes right before it is used: it runs every step of the model and compares with the
 * manifest's known answers, then some sequences without the others, then the unit of σ_0 = 32 zero bytes, plain and
 * noisy. Compilers and drivers do get shaders wrong.
 */
import { ZERO_HASH } from '../../core/hash.ts';
import { answerBytes, takesNoise, unitLinears, unitShape } from '../../core/manifest.ts';
import { knownStep } from '../../core/pow/known.ts';
import { tokensOf } from '../../core/pow/seed.ts';
import { tileCount } from '../../core/pow/transcript.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { StepEngine } from '../generator/stepper.ts';
import type { Backend, ModelPackage, PassResult } from './backend.ts';

const fail = (backend: Backend, what: string): AppError =>
  new AppError('SELF_TEST_FAILED', `${backend.kind} (${backend.device}): ${what}`);

const firstDifference = (x: readonly Uint8Array[], y: readonly Uint8Array[]): number => {
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [a, b] = [x[i], y[i]];
    if (!a || !b || !equal(a, b)) return i;
  }
  return -1;
};

/** A ticket limit that about one of this unit's tiles meets, so that the winner is tested too. */
const easyLimits = ({ manifest }: ModelPackage): bigint[] => {
  const tiles = unitLinears(manifest).reduce((sum, l) => sum + tileCount(l), 0);
  return manifest.linears.map(() => (1n << 256n) / BigInt(tiles));
};

function compare(backend: Backend, got: PassResult, want: PassResult): void {
  const t = firstDifference(got.t, want.t);
  if (t >= 0) throw fail(backend, `transcript of linear ${t + 1} is wrong`);
  const [x, y] = [got.winner, want.winner];
  if (x?.linear !== y?.linear || x?.tile !== y?.tile)
    throw fail(backend, `winner is ${x?.linear}/${x?.tile}, not ${y?.linear}/${y?.tile}`);
}

/** A step of a backend's was wrong: in its test, or later, or on this device before. */
export class StepLost extends AppError {
  readonly backend: Backend;
  readonly step: number;
  constructor(
    backend: Backend,
    step: number,
    code: 'EXACTNESS_LOST' | 'SELF_TEST_FAILED' = 'EXACTNESS_LOST',
  ) {
    super(code, `${backend.kind} (${backend.device}): step ${step} is wrong`);
    this.backend = backend;
    this.step = step;
  }
}

/**
 * Runs every step, in every shape that the backend runs or in shape `only`, and in each some sequences
 * without the others, as answers want them; then, of the shape that is mined, a unit twice, where the operands leave
 * room for noise. Noisy products are tested by what is computed from them: x_2..x_L of the noisy pass equal those of the
 * plain pass only if every product was peeled exactly. `reference` is another backend of the same model, whose
 * transcript and winner must agree too.
 * @throws AppError SELF_TEST_FAILED; StepLost where a step did
 */
export async function selfTest(
  backend: Backend,
  model: ModelPackage,
  reference?: Backend,
  only?: number,
): Promise<void> {
  for (const [place, shape] of model.manifest.shapes.entries()) {
    if ((only ?? place) !== place || backend.shapes?.includes(place) === false) continue;
    for (const [i, want] of shape.known.entries()) {
      const got = await backend.step(knownStep(model.manifest, i + 1, shape), place);
      if (!equal(got, want)) throw new StepLost(backend, i + 1, 'SELF_TEST_FAILED');
    }
    await testParts(backend, model, place);
  }
  if (!only && takesNoise(model.manifest)) await testUnit(backend, model, reference);
}

/** The last of a batch's sequences, one and all but one: their rows depend neither on the others nor on their place. */
async function testParts(backend: Backend, { manifest }: ModelPackage, place: number) {
  const shape = manifest.shapes[place]!;
  const { sequences, tokens: length, known } = shape;
  const step = knownStep(manifest, 1, shape);
  assert('tokens' in step, 'step 1 begins with tokens');
  const rowsFrom = async (from: number): Promise<Int8Array> => {
    const tokens = step.tokens.slice(from * length);
    return (await backend.pass({ shape: place, tokens, sigma0: undefined, limits: [] })).answer;
  };
  const froms = new Set([1, sequences - 1].filter((from) => from > 0 && from < sequences));
  const whole = froms.size ? await rowsFrom(0) : new Int8Array();
  for (const from of froms) {
    const rows = await rowsFrom(from);
    const wanted = whole.subarray(from * answerBytes(manifest, shape));
    if (rows.length !== wanted.length || rows.some((x, i) => x !== wanted[i]))
      throw new StepLost(backend, known.length, 'SELF_TEST_FAILED');
  }
}

/**
 * Steps over the first tokens of step 1's known answer give the rows that the pass gives, which was tested before.
 * @throws AppError SELF_TEST_FAILED
 */
export async function testSteps(
  backend: Backend,
  engine: StepEngine,
  { manifest }: ModelPackage,
): Promise<void> {
  const known = knownStep(manifest, 1);
  assert('tokens' in known, 'step 1 begins with tokens');
  const tokens = known.tokens.subarray(0, unitShape(manifest).tokens);
  const plain = { tokens, sigma0: undefined, limits: [], answerOnly: true };
  const { answer } = await backend.pass(plain);
  const conversation = engine.open();
  try {
    const count = Math.min(engine.together, tokens.length);
    const requests = Array.from(tokens.subarray(0, count), (token) => ({ conversation, token }));
    const rows = await engine.step(requests);
    if (rows.some((x, i) => x !== answer[i])) throw fail(backend, 'a step gives another row');
  } finally {
    engine.close(conversation);
  }
}

async function testUnit(backend: Backend, model: ModelPackage, reference?: Backend) {
  const tokens = tokensOf(ZERO_HASH, model.manifest);
  const plain = { tokens, sigma0: undefined, limits: [] };
  const noisy = { tokens, sigma0: ZERO_HASH, limits: easyLimits(model) };
  const exact = await backend.pass(plain);
  const found = await backend.pass(noisy);
  const at = firstDifference(found.x, exact.x);
  if (at >= 0) throw fail(backend, `plain and noisy activations of linear ${at + 1} differ`);
  // x_1..x_L do not depend on the last product, but the answer does.
  if (exact.answer.some((x, i) => x !== found.answer[i]))
    throw fail(backend, 'plain and noisy answers differ');
  if (reference) compare(backend, found, await reference.pass(noisy));
}
