/** Chooses what runs a model's segments on the CPU. */
import { carryBytes, type Shape } from '../../core/manifest.ts';
import type { Kernel } from './kernel/kernel.ts';
import type { CpuSegments, Place, SegmentParts } from './segments.ts';

/** @throws AppError MODEL_REFUSED, DEVICE_MEMORY */
export async function openSegments(parts: SegmentParts): Promise<CpuSegments> {
  const { model, index, kernel } = parts;
  const { createRuntimeSegments } = await import('./runtime-segments.ts');
  const places = reserveCarries(model.manifest.shapes[index]!, kernel);
  return createRuntimeSegments({ model, index, kernel, carry: (name) => places.get(name)! });
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
