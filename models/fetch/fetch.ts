/**
 * Named weights to a checked package: fetches their files from the first source that has them (by hash, resumed
 * after a cut), imports them, checks the package, and says what it did.
 * Usage: npm run model:fetch -- NAME [--from FOLDER: where their files may lie already] [--only-files]
 */
import { parseArgs } from 'node:util';
import { AppError } from '../../src/lib/errors.ts';
import { NAMED_WEIGHTS, namedWeights } from './named.ts';
import { fetchWeights, obtain, weightsFolder } from './obtain.ts';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { from: { type: 'string' }, 'only-files': { type: 'boolean' } },
  });
  const weights = positionals.length === 1 ? namedWeights(positionals[0]!) : undefined;
  if (!weights) {
    const names = NAMED_WEIGHTS.map(({ name }) => name).join(', ');
    throw new AppError('MODEL_MISSING', `one name, please: ${names}`);
  }
  const { name, licence, attribution } = weights;
  console.log(`${name}: ${licence}. ${attribution}`);
  const fetching = { from: values.from, log: console.log };
  const folder = values['only-files']
    ? await fetchWeights(weights, { ...fetching, folder: weightsFolder(name) })
    : await obtain(weights, fetching);
  console.log(`${name} lies in ${folder}`);
}

await main().catch((e: unknown) => {
  const { code, message } = AppError.from(e);
  console.error(`${code}: ${message}`);
  process.exitCode = 1;
});
