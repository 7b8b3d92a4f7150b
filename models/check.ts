/**
 * Checks a package as a page does before it uses it, and says what it is and whether it can be mined.
 * Usage: node models/check.ts <folder of models/, or a path>      exits 1 when it does not hold
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { networkOf } from '../src/client/models/networks.ts';
import { servedOf } from '../src/client/models/package-store.ts';
import { unitMacs, unitShape, type Manifest } from '../src/core/manifest.ts';
import { NETWORK_NAMES, type NetworkName } from '../src/core/params.ts';
import { toHex } from '../src/lib/bytes.ts';
import { AppError } from '../src/lib/errors.ts';
import { admissionOf, checkModel } from '../src/miner/checker/checker.ts';
import type { ModelPackage } from '../src/miner/engine/backend.ts';
import { createCpuBackend } from '../src/miner/cpu/cpu.ts';
import { openLanguage } from '../src/miner/generator/course.ts';
import { GENERATION_FILE, loadPackage, TOKENIZER_FILE } from '../src/miner/package/package.ts';
import { planParts } from '../src/miner/package/parts.ts';
import { selfTest } from '../src/miner/engine/self-test.ts';
import { plainText } from '../src/wallet/plain-text.ts';
import { readModel } from '../test/oracle/models.ts';
import { admissionText } from './admission.ts';
import { requireShapes } from './agree.ts';
import { namedWeights } from './fetch/named.ts';
import { timePackage } from './import/pack.ts';
import { requireQuickPatterns } from './patterns.ts';

/** Most bytes of all admitted models of a network: every miner holds them all. */
const PACKAGES_BYTES_MAX = 64e6;

/** And what one unit of each takes on the reference core: an honest miner can follow them all. */
const UNITS_MS_MAX = 1000;
const ROUNDS = 3;

const admittedBy = (id: string): NetworkName[] =>
  NETWORK_NAMES.filter((name) => networkOf(name).models.has(id));

function describe(manifest: Manifest, id: string): string[] {
  const { parts, outlineBytes, bytes } = planParts(manifest);
  const largest = Math.max(...parts.map(({ size }) => size));
  const outline = outlineBytes ? `, outline ${outlineBytes}` : '';
  const { sequences, tokens } = unitShape(manifest);
  const others = manifest.shapes.slice(1).map((s) => `${s.sequences}×${s.tokens}`);
  return [
    `${manifest.name}: id ${id}`,
    `licence: ${manifest.licence || 'none told'}`,
    `unit: ${sequences} sequences of ${tokens} tokens, ${manifest.linears.length} linears, ` +
      `W ${unitMacs(manifest)} MAC`,
    ...(others.length ? [`answers also in ${others.join(', ')}`] : []),
    `package: ${bytes} bytes in ${parts.length} parts, the largest ${largest}${outline}`,
    `admitted: ${admittedBy(id).join(', ') || 'nowhere'}`,
  ];
}

/** What miners of a network hold with this model, and how long one unit of each takes here. */
async function holding(name: NetworkName, model: ModelPackage): Promise<string> {
  const others = networkOf(name).names.filter((other) => other !== model.manifest.name);
  const held = [model, ...(await Promise.all(others.map(readModel)))];
  const bytes = held.reduce((sum, { manifest }) => sum + planParts(manifest).bytes, 0);
  let ms = 0;
  for (const each of held) ms += (await timePackage(each, ROUNDS)).noisyMs;
  const over = (isOver: boolean): string => (isOver ? ', TOO MUCH' : '');
  return (
    `with it ${name} holds ${held.length}: ${bytes} bytes of ${PACKAGES_BYTES_MAX}${over(bytes > PACKAGES_BYTES_MAX)}; ` +
    `one unit of each takes ${ms.toFixed(0)} ms of ${UNITS_MS_MAX} on one thread here${over(ms > UNITS_MS_MAX)}`
  );
}

/** How the list of served models names it. */
function servedEntry(manifest: Manifest): string {
  const given = namedWeights(manifest.name)?.files.flatMap(({ sources }) => sources) ?? [];
  const sources = given
    .flatMap((source) => (typeof source === 'string' ? source : source.archive.sources))
    .filter((source) => typeof source === 'string');
  return JSON.stringify({ ...servedOf(manifest), sources });
}

async function check(name: string): Promise<void> {
  const folder = name.includes('/') ? name : join(import.meta.dirname, name);
  const model = await loadPackage(async (file) =>
    Uint8Array.from(await readFile(join(folder, file))),
  );
  for (const line of describe(model.manifest, toHex(model.id))) console.log(plainText(line));
  if (model.manifest.tokenizer) {
    await requireQuickPatterns(await readFile(join(folder, TOKENIZER_FILE)));
    console.log('tokenizer: no pattern can run for ever');
  }
  if (model.manifest.template) {
    const file = await readFile(join(folder, GENERATION_FILE));
    const { head } = await openLanguage(model.manifest, model.tables, file);
    console.log(`generation: read, a head of ${head.vocabulary} rows of ${head.size}`);
  }
  const refused = checkModel(model);
  if (refused) throw new AppError('MODEL_REFUSED', refused.sentence);
  console.log('exact: proven by the checker, every step within its limits');
  const admission = admissionOf(model);
  console.log(admissionText(admission));
  const cpu = await createCpuBackend(model);
  await selfTest(cpu, model);
  console.log(`known answers: every step of every shape is right on ${cpu.device}`);
  if (model.manifest.shapes.length > 1) console.log(await requireShapes(model, cpu));
  await cpu.close();
  // A model that is only served is held by who chooses to.
  if ('rule' in admission) console.log(`in models/served.json: ${servedEntry(model.manifest)}`);
  else console.log(await holding(admittedBy(toHex(model.id))[0] ?? 'main', model));
}

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error('usage: models/check.ts <model>');
await check(name).then(
  () => process.exit(0),
  (e: unknown) => {
    const { code, message } = AppError.from(e);
    console.error(`${code}: ${message}`);
    process.exit(1);
  },
);
