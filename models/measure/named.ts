/** The report of named weights, where they, their package and the texts are on this machine. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KIND, unitMacs } from '../../src/core/manifest.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { admissionOf } from '../../src/miner/checker/checker.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { loadPackage, MANIFEST_FILE, parseManifest } from '../../src/miner/package/package.ts';
import { admissionText } from '../admission.ts';
import type { NamedWeights } from '../fetch/named.ts';
import { packageFolder, weightsFolder } from '../fetch/obtain.ts';
import { readFolder, type Source } from '../import/folder.ts';
import { timePackage } from '../import/pack.ts';
import { CACHE, passagesFile, setsFile } from '../texts/files.ts';
import type { Sets } from '../texts/sets.ts';
import { encoderReport } from './encoder-report.ts';
import { measureEncoder } from './encoder.ts';
import { reportLanguage } from './language-named.ts';
import { packageFacts, type Fact } from './package-facts.ts';

async function facts(model: ModelPackage, rounds: number): Promise<Fact[]> {
  const { plainMs, noisyMs } = await timePackage(model, rounds);
  return [
    ...packageFacts(model),
    ['mining, in the first shape', admissionText(admissionOf(model))],
    [
      'a unit on one thread',
      `${plainMs.toFixed(0)} ms plain, ${noisyMs.toFixed(0)} ms noisy, ` +
        `${(Number(unitMacs(model.manifest)) / noisyMs / 1e6).toFixed(1)} GMAC/s (processor time, the fastest of ${rounds})`,
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
export async function reportNamed(
  { name, files }: Pick<NamedWeights, 'name' | 'files'>,
  { rounds, every }: { readonly rounds: number; readonly every: number },
  cache = CACHE,
): Promise<string> {
  const [weights, folder] = [weightsFolder(name, cache), packageFolder(name, cache)];
  const manifest = join(folder, MANIFEST_FILE);
  // What the weights themselves are in is the largest of the files.
  const { name: file } = files.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const source = join(weights, file);
  if (![manifest, source].every((path) => existsSync(path)))
    return `skipped: ${name} is not on this machine; npm run model:fetch -- ${name} brings it`;
  const { kind } = parseManifest(new Uint8Array(readFileSync(manifest)));
  const isLanguage = kind === KIND.generator;
  const texts = isLanguage ? passagesFile(cache) : setsFile(cache);
  if (!existsSync(texts)) return 'skipped: no texts to measure on; npm run model:texts makes them';
  if (isLanguage) {
    const kept = join(cache, 'language');
    return reportLanguage({ weights: source, package: folder, texts, kept }, { every });
  }
  const model = await loadPackage(async (file) =>
    Promise.resolve(new Uint8Array(readFileSync(join(folder, file)))),
  );
  const measurable = {
    source: await readFolder(weights),
    model,
    sets: JSON.parse(readFileSync(texts, 'utf8')) as Sets,
    weightsKey: createHash('sha256').update(readFileSync(source)).digest('hex'),
  };
  return reportEncoder(measurable, join(cache, 'vectors'), rounds);
}
