/** What a report says of any package. */
import { modelId } from '../../src/core/manifest.ts';
import { toHex } from '../../src/lib/bytes.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { planParts } from '../../src/miner/package/parts.ts';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export type Fact = readonly [what: string, is: string];

export function packageFacts({ manifest, ...model }: ModelPackage): Fact[] {
  const { bytes, parts } = planParts(manifest);
  const tables = model.tables.reduce((sum, table) => sum + table.length, 0);
  const weights = [...new Set(model.weights)].reduce((sum, each) => sum + each.length, 0);
  const shapes = manifest.shapes.map((s) => `${s.sequences}×${s.tokens}`);
  return [
    ['id', `\`${toHex(modelId(manifest))}\``],
    ['licence', `${manifest.licence}. ${manifest.attribution}`],
    ['shapes', shapes.join(', ')],
    [
      'package',
      `${megabytes(bytes)} in ${parts.length} parts: weights ${megabytes(weights)}, tables ${megabytes(tables)}`,
    ],
  ];
}
