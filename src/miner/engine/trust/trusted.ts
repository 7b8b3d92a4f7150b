/**
 * No backend runs for pay, or for an answer, before it has passed the known answer of every step on this device.
 * What has passed is kept by package, program and device, so that a later start need not test again. Code of ours
 * that gives a wrong step, in the test or later, is not used again on this device: ONNX Runtime runs instead.
 */
import { KIND } from '../../../core/manifest.ts';
import { concat, toHex, utf8 } from '../../../lib/bytes.ts';
import type { StepEngine, StepOptions } from '../../generator/stepper.ts';
import type { Backend, ModelPackage, PassInput } from '../backend.ts';
import { AppError } from '../../../lib/errors.ts';
import { blake3Of } from '../../package/parts.ts';
import { createDeviceStore, type DeviceStore } from './device-store.ts';
import { selfTest, StepLost, testSteps } from '../self-test.ts';

const PASSED = 'passed';
const LOST = 'lost';
/** Verdicts kept: of each device, model and shape. */
const VERDICTS_MAX = 64;

/** Verdicts of this device. */
export const createVerdicts = (): DeviceStore => createDeviceStore('pila-exact', VERDICTS_MAX);

export interface TrustParts {
  readonly model: ModelPackage;
  readonly verdicts: DeviceStore;
  /** Called with the step of that model where code of ours was wrong; ONNX Runtime runs from now on, or nothing. */
  readonly onLost: (backend: Backend, step: number, model: string) => void;
  /** Another backend of the model, which must agree. */
  readonly reference?: Backend;
  /** What has passed before is tested again: of a device that was lost. */
  readonly anew?: boolean;
}

/** A backend that tests itself before the first pass of each shape. */
export type TrustedBackend = Backend & Required<Pick<Backend, 'lose'>>;

/**
 * Trusts nothing yet but the shape that is mined; of a language model, which is never mined, nothing before somebody
 * asks: its steps need no pass once they have passed. @throws AppError SELF_TEST_FAILED, EXACTNESS_LOST, and the backend's
 */
export async function trust(backend: Backend, parts: TrustParts): Promise<TrustedBackend> {
  const { model, verdicts, onLost, reference, anew } = parts;
  const { name } = model.manifest;
  /** Tests of shapes, and the shapes that have passed. */
  const tests = new Map<number, Promise<void>>();
  const passed = new Set<number>();
  let gone: StepLost | undefined;

  const keyOf = async (code: Uint8Array, what: number | 'steps'): Promise<string> =>
    toHex(await blake3Of(concat(model.id, code, utf8(`${what} ${deviceOf(backend)}`))));
  const program = async (shape: number): Promise<string | undefined> => {
    const code = await backend.program?.(shape);
    return code && (await keyOf(code, shape));
  };
  /** Of the steps that run: they were held against passes of shape 0, and are lost with any of its. */
  const stepKeys = new Set<string>();
  // A store that fails is one that is empty: the device is tested, and is none the less right.
  const kept = async (key: string | undefined): Promise<string | undefined> =>
    key && (await verdicts.read(key).catch(() => undefined));
  const keep = async (key: string | undefined, verdict: string): Promise<void> =>
    key ? verdicts.write(key, verdict).catch(() => undefined) : undefined;

  /** Each loss makes another of it, which ends when something else runs: what began before it is not believed. */
  let change: Promise<unknown> = Promise.resolve();

  async function test(shape: number): Promise<void> {
    await change;
    const before = change;
    try {
      const key = await program(shape);
      const verdict = await kept(key);
      if (verdict?.startsWith(LOST))
        throw new StepLost(backend, Number(verdict.slice(LOST.length)));
      if (verdict !== PASSED || anew) {
        await selfTest(backend, model, reference, shape);
        if (before === change) await keep(key, PASSED);
      }
    } catch (e) {
      // Of two shapes that are tested at once, both may be wrong.
      const isFirst = before === change;
      if (isFirst && !(e instanceof StepLost && (await fallBack(shape, e.step)))) throw e;
    }
    if (before !== change) return test(shape);
    passed.add(shape);
  }

  /** @returns whether something else runs now @throws AppError where ONNX Runtime can't be loaded */
  function fallBack(shape: number, step: number): Promise<boolean> {
    const falling = leave(shape, step);
    change = falling.catch(() => undefined);
    tests.clear();
    passed.clear();
    return falling;
  }

  async function leave(shape: number, step: number): Promise<boolean> {
    const key = await program(shape);
    const left = await backend.fallBack?.().catch((e: unknown) => AppError.from(e));
    if (!left) return false;
    // Also of code in whose place nothing runs yet, as without a connection.
    for (const lost of [key, ...stepKeys]) await keep(lost, `${LOST} ${step}`);
    onLost(backend, step, name);
    if (left instanceof AppError) throw left;
    return true;
  }

  function ensure(shape: number): Promise<void> {
    let testing = tests.get(shape);
    if (!testing) {
      testing = test(shape);
      tests.set(shape, testing);
      testing.catch(() => tests.delete(shape));
    }
    return testing;
  }

  /** Without a wait where the shape has passed. A pass during which a step was found wrong is run again. */
  async function when<T>(shape: number, run: () => Promise<T>): Promise<T> {
    for (;;) {
      while (!gone && !passed.has(shape)) await ensure(shape);
      if (gone) throw gone;
      const before = change;
      const result = await run();
      if (before === change) return result;
    }
  }

  /** Steps are code of their own, and end with what was tested: where ONNX Runtime runs instead, there are none. */
  async function steps(options: StepOptions): Promise<StepEngine> {
    const before = change;
    const engine = await backend.steps!(options);
    const key = await keyOf(engine.program, 'steps');
    if (anew || (await kept(key)) !== PASSED) {
      await ensure(0);
      if (before !== change) return steps(options);
      await testSteps(backend, engine, model);
      await keep(key, PASSED);
    }
    stepKeys.add(key);
    return {
      together: engine.together,
      conversations: engine.conversations,
      context: engine.context,
      program: engine.program,
      open: () => engine.open(),
      close: (conversation) => engine.close(conversation),
      length: (conversation) => engine.length(conversation),
      truncate: (conversation, length) => engine.truncate(conversation, length),
      async step(requests) {
        if (before !== change) throw new AppError('EXACTNESS_LOST', `${name} was wrong here`);
        return await engine.step(requests);
      },
    };
  }

  if (model.manifest.kind !== KIND.generator) await ensure(0);
  return {
    kind: backend.kind,
    device: backend.device,
    kernel: backend.kernel,
    depth: backend.depth,
    ...(backend.lanes !== undefined && { lanes: backend.lanes }),
    ...(backend.shapes && { shapes: backend.shapes }),
    lost: backend.lost,
    pass: (input: PassInput) => when(input.shape ?? 0, () => backend.pass(input)),
    step: (input, shape = 0) => when(shape, () => backend.step(input, shape)),
    ...(backend.steps && { steps }),
    ...(backend.weights && { weights: (linear: number) => backend.weights!(linear) }),
    ...(backend.rows && { rows: (table: number) => backend.rows!(table) }),
    usesRuntime: () => backend.usesRuntime?.() ?? true,
    memoryBytes: () => backend.memoryBytes(),
    close: () => backend.close(),
    async lose(step) {
      // At once: nothing that is being computed is believed any more.
      if (await fallBack(0, step)) return ensure(0);
      // The processor is tried again at the next start, because nothing could run instead.
      if (backend.kind !== 'cpu') await keep(await program(0), `${LOST} ${step}`);
      onLost(backend, step, name);
      throw (gone = new StepLost(backend, step));
    },
  };
}

/** A browser's update may bring another compiler, so its version is part of the device. */
const deviceOf = ({ kind, device }: Backend): string =>
  `${kind} ${device} ${globalThis.navigator?.userAgent ?? ''}`;
