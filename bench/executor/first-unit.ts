/**
 * Time from Start to the end of the first unit, of the code under a folder, as one line of JSON: the miner's thread
 * is there, gets the package, checks and tests it, and runs a unit.
 * Usage: node bench/executor/first-unit.ts ROOT MODEL
 */
import { resolve } from 'node:path';
import type * as Header from '../../src/core/header/header.ts';
import type * as Thread from '../../src/node/contributor/miner-thread.ts';
import type * as Params from '../../test/core/header/params-for.ts';
import type * as Models from '../../test/oracle/models.ts';
import { load } from '../against/checkout.ts';

const [root, name] = [resolve(process.argv[2]!), process.argv[3]!];
const { readModel } = await load<typeof Models>(root, 'test/oracle/models.ts');
const { paramsFor } = await load<typeof Params>(root, 'test/core/header/params-for.ts');
const header = await load<typeof Header>(root, 'src/core/header/header.ts');
const { startMinerThread } = await load<typeof Thread>(
  root,
  'src/node/contributor/miner-thread.ts',
);
const { id, manifest, segments, tables, weights } = await readModel(name);
const files = [...segments, ...tables, ...weights].map((file) => new Uint8Array(file));

const zero = new Uint8Array(32);
const params = paramsFor('e2e', [], 1000);
const parts = { timeMs: 2000, miner: zero, bodyRoot: zero, stateRoot: zero, model: 0 };
const core = header.templateCore(params, header.genesisPoint(params, 1000), parts);

const fail = (reason: string): never => {
  throw new Error(reason);
};
// Node takes the types out of each file when a thread begins, which no browser does.
const { miner } = await startMinerThread(undefined, fail);
const started = performance.now();
const before = process.cpuUsage();
const unit = new Promise<void>((done) => miner.on('status', ({ units }) => units > 0 && done()));
await miner.provide(manifest, files);
await miner.work({ core, modelId: id, target: 0n });
await miner.start(name, 'cpu');
await unit;
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ wallMs: performance.now() - started, cpuMs: (user + system) / 1000 }));
process.exit(0);
