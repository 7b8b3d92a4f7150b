/**
 * Checks a package as a page does before it mines with it, and says what it is.
 * Usage: node models/check.ts <folder of models/, or a path>      exits 1 when it does not hold
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { networkOf } from '../src/client/models/networks.ts';
import { unitMacs, type Manifest } from '../src/core/manifest.ts';
import { NETWORK_NAMES } from '../src/core/params.ts';
import { toHex } from '../src/lib/bytes.ts';
import { AppError } from '../src/lib/errors.ts';
import { checkModel } from '../src/miner/checker/checker.ts';
import { createCpuBackend } from '../src/miner/cpu/cpu.ts';
import { loadPackage, TOKENIZER_FILE } from '../src/miner/package/package.ts';
import { planParts } from '../src/miner/package/parts.ts';
import { selfTest } from '../src/miner/engine/self-test.ts';
import { requireQuickPatterns } from './patterns.ts';

function describe(manifest: Manifest, id: string): string[] {
  const { parts, outlineBytes, bytes } = planParts(manifest);
  const largest = Math.max(...parts.map(({ size }) => size));
  const outline = outlineBytes ? `, outline ${outlineBytes}` : '';
  const admitted = NETWORK_NAMES.filter((name) => networkOf(name).params.models.includes(id));
  return [
    `${manifest.name}: id ${id}`,
    `unit: ${manifest.linears.length} linears, ${unitMacs(manifest)} MAC`,
    `credit: κ ${manifest.kappa64}/64`,
    `package: ${bytes} bytes in ${parts.length} parts, the largest ${largest}${outline}`,
    `admitted: ${admitted.join(', ') || 'nowhere'}`,
  ];
}

async function check(name: string): Promise<void> {
  const folder = name.includes('/') ? name : join(import.meta.dirname, name);
  const model = await loadPackage(async (file) =>
    Uint8Array.from(await readFile(join(folder, file))),
  );
  for (const line of describe(model.manifest, toHex(model.id))) console.log(line);
  if (model.manifest.tokenizer) {
    await requireQuickPatterns(await readFile(join(folder, TOKENIZER_FILE)));
    console.log('tokenizer: no pattern can run for ever');
  }
  const refused = checkModel(model);
  if (refused) throw new AppError('MODEL_REFUSED', refused.sentence);
  console.log('exact: proven by the checker');
  const cpu = await createCpuBackend(model);
  await selfTest(cpu, model);
  console.log(`known answer: right on ${cpu.device}`);
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
