/** The report of named weights, where they, their package and the texts are on this machine. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelId, unitMacs } from '../../src/core/manifest.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { admissionOf } from '../../src/miner/checker/checker.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { loadPackage, MANIFEST_FILE } from '../../src/miner/package/package.ts';
import { planParts } from '../../src/miner/package/parts.ts';
import { admissionText } from '../admission.ts';
import { packageFolder, weightsFolder } from '../fetch/obtain.ts';
import { readFolder, type Source } from '../import/folder.ts';
import { timePackage } from '../import/pack.ts';
import { CACHE, setsFile } from '../texts/files.ts';
import type { Sets } from '../texts/sets.ts';
import { encoderReport } from './encoder-report.ts';
import { measureEncoder } from './encoder.ts';

const WEIGHTS_FILE = 'model.safetensors';
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

async function facts(
  { manifest, ...model }: ModelPackage,
  rounds: number,
): Promise<(readonly [string, string])[]> {
  const { bytes, parts } = planParts(manifest);
  const tables = model.tables.reduce((sum, table) => sum + table.length, 0);
  const weights = [...new Set(model.weights)].reduce((sum, each) => sum + each.length, 0);
  const { plainMs, noisyMs } = await timePackage({ manifest, ...model }, rounds);
  const shapes = manifest.shapes.map((s) => `${s.sequences}×${s.tokens}`);
  return [
    ['id', `\`${toHex(modelId(manifest))}\``],
    ['licence', `${manifest.licence}. ${manifest.attribution}`],
    ['shapes, the mined one first', shapes.join(', ')],
    [
      'package',
      `${megabytes(bytes)} in ${parts.length} parts: weights ${megabytes(weights)}, tables ${megabytes(tables)}`,
    ],
    ['mining', admissionText(admissionOf({ manifest, ...model }))],
    [
      'a unit on one thread',
      `${plainMs.toFixed(0)} ms plain, ${noisyMs.toFixed(0)} ms noisy, ` +
        `${(Number(unitMacs(manifest)) / noisyMs / 1e6).toFixed(1)} GMAC/s (processor time, the fastest of ${rounds})`,
    ],
  ];
}

/** @param sets where the texts come from; vectors are kept in `folder` */
export async function reportEncoder(
  { source, model, sets, weightsKey }: Measurable,
  folder: string,
  rounds: number,
): Promise<string> {
  const figures = await measureEncoder({
    source,
    model,
    sets,
    keys: { float: weightsKey, exact: toHex(model.id) },
    folder,
    log: (line) => console.error(line),
  });
  const about = { name: model.manifest.name, facts: await facts(model, rounds) };
  return encoderReport(about, figures);
}

export interface Measurable {
  readonly source: Source;
  readonly model: ModelPackage;
  readonly sets: Sets;
  /** Names the weights. */
  readonly weightsKey: string;
}

/** A report in Markdown, or the sentence that says what is missing. */
export async function reportNamed(name: string, rounds: number, cache = CACHE): Promise<string> {
  const [weights, folder, sets] = [
    weightsFolder(name, cache),
    packageFolder(name, cache),
    setsFile(cache),
  ];
  const [manifest, safetensors] = [join(folder, MANIFEST_FILE), join(weights, WEIGHTS_FILE)];
  if (![manifest, safetensors].every(existsSync))
    return `skipped: ${name} is not on this machine; npm run model:fetch -- ${name} brings it`;
  if (!existsSync(sets)) return 'skipped: no texts to measure on; npm run model:texts makes them';
  const model = await loadPackage(async (file) =>
    Promise.resolve(new Uint8Array(readFileSync(join(folder, file)))),
  );
  const measurable = {
    source: await readFolder(weights),
    model,
    sets: JSON.parse(readFileSync(sets, 'utf8')) as Sets,
    weightsKey: createHash('sha256').update(readFileSync(safetensors)).digest('hex'),
  };
  return reportEncoder(measurable, join(cache, 'vectors'), rounds);
}
