/**
 * Records a chain of 200 blocks for the second implementation: the blocks, what a full node said of each, and copies
 * with one thing changed. README.md has the form.
 * Usage: node test/second/record/record.ts FILE      a name that ends in .gz is compressed
 */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { chainParams, networkRules } from '../../../src/core/chain-params.ts';
import { modelId } from '../../../src/core/manifest.ts';
import type { Params } from '../../../src/core/params.ts';
import { equal, toHex } from '../../../src/lib/bytes.ts';
import { chainSteps, type Step } from './chain.ts';
import { COPIES } from './copies.ts';
import { RecordLedger, type Made } from './ledger.ts';
import { RecordMiner } from './miner.ts';
import { RecordNode, type Told } from './node.ts';

const GENESIS_MS = 1_790_000_000_000;
/** Copies leave the chain from this block on, each a few blocks above the one before. */
const [FIRST_COPY, COPIES_APART] = [12, 3];

const file = process.argv[2];
if (file === undefined) throw new Error('usage: node test/second/record/record.ts FILE');

const miner = await RecordMiner.create();
const id = toHex(modelId(miner.model.manifest));
const params = chainParams(networkRules('e2e', [{ id, from: 0 }]), GENESIS_MS);
const ledger = new RecordLedger(params, miner);

const hex256 = (x: bigint): string => x.toString(16).padStart(64, '0');
const networkOf = (p: Params): unknown => ({
  chainId: p.chainId,
  blockMs: p.blockTimeMs,
  halfLifeMs: p.halfLifeMs,
  lagMs: p.lagMs,
  maturity: p.maturityBlocks,
  targetMax: hex256(p.targetMax),
  targetStart: hex256(p.targetStart),
  versions: p.versions,
  models: p.models.map((row) => ({ ...row, package: 'models/tiny' })),
  faucet: p.faucet,
});

const steps: Step[] = [];
const told: Told[] = [];
const node = await RecordNode.create(params, miner);
/** Heads after each step. */
const heads: Uint8Array[] = [];
for await (const step of chainSteps(ledger)) {
  told.push(await node.hear({ block: step.made.block, replay: step.replay }));
  steps.push(step);
  heads.push(node.headId);
}

/** A block on which the chain goes on at once, from `least` on, and the one that follows it there. */
function placeFrom(least: number): { readonly from: number; readonly on: Made } {
  for (let from = least; from < steps.length; from++) {
    const on = steps[from - 1]!.made;
    const { header } = steps[from]!.made.block;
    if (equal(heads[from - 1]!, on.point.id) && equal(header.prevHash, on.point.id))
      return { from, on };
  }
  throw new Error('the chain is too short');
}

const copies: unknown[] = [];
for (const [i, copy] of COPIES.entries()) {
  const { from, on } = placeFrom(FIRST_COPY + COPIES_APART * i);
  const hearings = await copy.make(steps[from]!.made, on, ledger);
  const other = await RecordNode.create(params, miner);
  for (const { made } of steps.slice(0, from)) await other.hear({ block: made.block });
  const blocks: Told[] = [];
  for (const hearing of hearings) blocks.push(await other.hear(hearing));
  const wanted = copy.name.split(':')[0]!;
  if (blocks.at(-1)!.verdict !== wanted)
    throw new Error(`${copy.name}: the node says ${blocks.at(-1)!.verdict}`);
  copies.push({ name: copy.name, from, blocks });
}

const genesis = { time: GENESIS_MS, id: toHex(params.genesis.id) };
const text = JSON.stringify({ network: networkOf(params), genesis, blocks: told, copies });
writeFileSync(file, file.endsWith('.gz') ? gzipSync(text, { level: 9 }) : text);
const aside = told.filter(({ verdict }) => verdict === 'side').length;
console.log(
  `record: ${told.length} blocks, ${aside} of them aside at first, ` +
    `${told.filter(({ replay }) => replay).length} to be replayed, ${copies.length} changed copies`,
);
process.exit(0);
