/**
 * Writes the parts of all packaged models, and of the served ones that are on this computer, for a static server:
 * <folder>/<id>/<part>. Usage: node models/mirror.ts <folder>      then start seeds with --mirror https://…/
 */
import { networkOf } from '../src/client/models/networks.ts';
import { NETWORK_NAMES } from '../src/core/params.ts';
import { createMemoryParts } from '../src/miner/package/part-store.ts';
import { createFileParts } from '../src/node/file-parts.ts';
import { createPackagedParts, MODEL_FOLDER } from '../src/node/packaged-parts.ts';
import { findServed } from '../src/node/served/served-folders.ts';
import { terminalLog } from '../src/node/command.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: models/mirror.ts <folder>');
const models = new Map(NETWORK_NAMES.flatMap((name) => [...networkOf(name).models]));
const served = await findServed(undefined, terminalLog());
const packaged = await createPackagedParts(models, createMemoryParts(), MODEL_FOLDER, served);
const mirror = createFileParts(folder);
const names = [...models].map(([id, { name }]) => [id, name] as const);
for (const [id, name] of [...names, ...served.map(({ said }) => [said.id, said.name] as const)]) {
  const sizes = await packaged.sizes(id);
  for (const part of sizes.keys()) await mirror.write(id, part, (await packaged.read(id, part))!);
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  console.log(`${name}: ${id}, ${sizes.size} parts, ${bytes} bytes`);
}
