/**
 * A branch of full blocks leaves for a heavier one, as full, whose transactions never waited here. Blocks come as
 * from a peer, their bodies new objects. Proofs of work are left out.
 */
import { schnorr } from '@noble/curves/secp256k1.js';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLevelStore } from '../../src/chain/store/level-store.ts';
import type { FullChain, FullChainOptions } from '../../src/chain/full/full-chain.ts';
import { addressOf } from '../../src/core/address.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { isFault } from '../../src/core/faults.ts';
import { Body, type SignedTx } from '../../src/core/formats.ts';
import { hash } from '../../src/core/hash.ts';
import type { Block } from '../../src/core/messages.ts';
import { FAUCET_SECRET, NANOVOLTS } from '../../src/core/params.ts';
import { bodyOf, bodyRoot } from '../../src/core/tx/body.ts';
import { fromHex, u32 } from '../../src/lib/bytes.ts';
import { silentLog } from '../../src/lib/log.ts';
import { startSignatureLanes } from '../../src/node/seed/signature-lanes.ts';
import {
  nextBlock,
  openChain,
  person,
  START_MS,
  transfer,
  type Person,
} from '../../test/chain/make-blocks.ts';
import { cpuMs } from '../measure.ts';

const SENDERS = 41;
/** Of one sender in a block: 410 in all, 65 KB. */
const EACH = 10;

const faucet = ((): Person => {
  const secret = fromHex(FAUCET_SECRET, 32)!;
  const xonly = schnorr.getPublicKey(secret);
  return { secret, xonly, address: addressOf(xonly) };
})();
const senders = Array.from({ length: SENDERS }, (_, i) => person(i + 10));

/** A new chain begins at START_MS; its blocks may be a day later. */
async function open(folder: string, options: Partial<FullChainOptions>): Promise<FullChain> {
  const clock = { ms: START_MS };
  const chain = await openChain(await createLevelStore(folder), clock, options);
  clock.ms += 86_400_000;
  return chain;
}

/** For the making of both branches. */
const trusting: Partial<FullChainOptions> = {
  verifySignatures: async (_, signed) => signed.map(() => true),
};

/** The next block with these transactions; the state root in its header is that before them. */
function blockWith(chain: FullChain, txs: SignedTx[]): Block {
  const body = bodyOf(txs);
  const { header, proof } = nextBlock(chain, faucet);
  return { header: { ...header, bodyRoot: bodyRoot(body) }, body, proof };
}

async function take(chain: FullChain, block: Block): Promise<string> {
  const done = await chain.importBlock({ ...block, body: decode(Body, encode(Body, block.body)) });
  if (isFault(done)) throw new Error(JSON.stringify(done));
  return done.status;
}

/** Full blocks on a chain; those of two branches pay different people. */
async function grow(chain: FullChain, count: number, branch: number): Promise<Block[]> {
  const blocks: Block[] = [];
  for (let n = 0; n < count; n++) {
    const body = senders.flatMap((sender, s) =>
      Array.from({ length: EACH }, (_, i) => {
        const address = hash('address', u32(((branch * 1000 + n) * SENDERS + s) * EACH + i));
        return transfer(sender, n * EACH + i, { ...sender, address }, 1000n);
      }),
    );
    const block = blockWith(chain, body);
    await take(chain, block);
    blocks.push(block);
  }
  return blocks;
}

/** Both branches, on a chain that has the first one as its main chain. @returns blocks of the second */
async function makeBranches(first: string, second: string, depth: number): Promise<Block[]> {
  const [a, b] = [await open(first, trusting), await open(second, trusting)];
  const funded = blockWith(
    a,
    senders.map((sender, i) => transfer(faucet, i, sender, 1000n * NANOVOLTS)),
  );
  for (const chain of [a, b]) await take(chain, funded);
  await grow(a, depth, 1);
  const heavier = await grow(b, depth + 1, 2);
  await Promise.all([a.close(), b.close()]);
  return heavier;
}

/** What the block costs that makes the other branch the heavier one. */
async function adopt(chain: FullChain, last: Block): Promise<string> {
  const [cpu, wall] = [cpuMs(), performance.now()];
  const status = await take(chain, last);
  const [cpuTaken, wallTaken] = [cpuMs() - cpu, performance.now() - wall];
  return `${status}, ${cpuTaken.toFixed(0)} ms of CPU on its thread, ${wallTaken.toFixed(0)} ms`;
}

/** @param alone: also without other cores and with nothing remembered. @returns lines of figures */
export async function reorganise(depth: number, alone: boolean): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pila-growth-'));
  const lanes = startSignatureLanes(silentLog);
  try {
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    const heavier = await makeBranches(a, b, depth);
    const [side, last] = [heavier.slice(0, -1), heavier.at(-1)!];
    const lines = [`reorganisation of ${depth} blocks of ${SENDERS * EACH} transfers`];
    const copy = (name: string): Promise<string> =>
      cp(a, join(folder, name), { recursive: true }).then(() => join(folder, name));

    /** The chain as a start finds it, the other branch's blocks beside its own. */
    const restarted = async (name: string, options: Partial<FullChainOptions>) => {
      const place = await copy(name);
      const before = await open(place, trusting);
      for (const block of side) await take(before, block);
      await before.close();
      return open(place, options);
    };
    const cases: [string, Partial<FullChainOptions>][] = [
      ['after a restart', { verifySignatures: lanes.verify }],
      ...(alone ? ([['on one core', {}]] as [string, Partial<FullChainOptions>][]) : []),
    ];

    // Blocks of the other branch come while the first is the head, each when the one before was verified.
    let verified: Promise<unknown> = Promise.resolve();
    const chain = await open(await copy('known'), {
      verifySignatures: (...signed) => (verified = lanes.verify(...signed)),
    });
    const cpu = cpuMs();
    for (const block of side) {
      await take(chain, block);
      await verified;
    }
    lines.push(`  a side block: ${((cpuMs() - cpu) / depth).toFixed(1)} ms of CPU on its thread`);
    lines.push(`  side blocks verified: ${await adopt(chain, last)}`);
    await chain.close();
    for (const [name, options] of cases) {
      const started = await restarted(name, options);
      lines.push(`  ${name}: ${await adopt(started, last)}`);
      await started.close();
    }
    return lines.join('\n');
  } finally {
    await lanes.stop();
    await rm(folder, { recursive: true });
  }
}
