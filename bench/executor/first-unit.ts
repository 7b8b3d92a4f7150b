/**
 * Time from a package in memory to the end of the first unit, of the code under a folder, as one line of JSON: what a
 * miner waits after Start, once everything is there. Loading the code of the miner counts.
 * Usage: node bench/executor/first-unit.ts ROOT MODEL
 */
import { resolve } from 'node:path';
import type * as Cpu from '../../src/miner/cpu/cpu.ts';
import type * as Models from '../../test/oracle/models.ts';
import type * as Seed from '../../src/core/pow/seed.ts';
import { load } from '../against/checkout.ts';

const root = resolve(process.argv[2]!);
const { readModel } = await load<typeof Models>(root, 'test/oracle/models.ts');
const model = await readModel(process.argv[3]!);
const { tokensOf } = await load<typeof Seed>(root, 'src/core/pow/seed.ts');

const started = performance.now();
const before = process.cpuUsage();
const { createCpuBackend } = await load<typeof Cpu>(root, 'src/miner/cpu/cpu.ts');
const backend = await createCpuBackend(model);
const sigma0 = new Uint8Array(32).fill(7);
const limits = model.manifest.linears.map(() => 0n);
await backend.pass({ tokens: tokensOf(sigma0, model.manifest), sigma0, limits });
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ wallMs: performance.now() - started, cpuMs: (user + system) / 1000 }));
process.exit(0);
