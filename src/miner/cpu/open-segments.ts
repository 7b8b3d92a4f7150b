/** Chooses what runs a model's segments on the CPU. */
import { carryBytes, type Shape } from '../../core/manifest.ts';
import { AppError } from '../../lib/errors.ts';
import { createExecutor } from '../executor/executor.ts';
import type { Place } from '../executor/memory.ts';
import type { Kernel } from './kernel/kernel.ts';
import { PlannedSegments } from './planned-segments.ts';
import type { CpuSegments, SegmentParts } from './segments.ts';

/** @throws AppError MODEL_REFUSED, DEVICE_MEMORY, MODEL_MISSING where ONNX Runtime is needed and can't be fetched */
export async function openSegments(parts: SegmentParts): Promise<CpuSegments> {
  const { model, index, kernel, tables, facts } = parts;
  const { manifest } = model;
  const shape = manifest.shapes[index]!;
  if (!facts) {
    const places = reserveCarries(shape, kernel);
    return openRuntime(parts, (name) => places.get(name)!);
  }
  const executor = await createExecutor({ manifest, shape, facts, tables }, kernel);
  const { covers } = executor;
  const isLeft = (segment: number): boolean => !covers[segment];
  const runtime = covers.every(Boolean)
    ? undefined
    : await openRuntime(parts, (name) => executor.carry(name), isLeft);
  return new PlannedSegments(executor, shape.tokens, runtime);
}

async function openRuntime(
  { model, index, kernel }: Omit<SegmentParts, 'tables'>,
  carry: (name: string) => Place,
  wanted?: (segment: number) => boolean,
): Promise<CpuSegments> {
  // ONNX Runtime has 27 MB, which a page must not fetch where nothing is left for it.
  const { createRuntimeSegments } = await import('./runtime-segments.ts').catch(
    (cause: unknown) => {
      throw new AppError('MODEL_MISSING', 'ONNX Runtime cannot be fetched', { cause });
    },
  );
  return createRuntimeSegments({ model, index, kernel, carry, ...(wanted && { wanted }) });
}

/** Room for the carries of all sequences of a batch. */
function reserveCarries({ carries, sequences }: Shape, kernel: Kernel): Map<string, Place> {
  return new Map(
    carries.map((carry) => {
      const bytes = sequences * carry.size * carryBytes(carry);
      return [carry.name, { at: kernel.reserve(bytes), bytes }];
    }),
  );
}
