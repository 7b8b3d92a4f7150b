/**
 * `npm run -s diskfull`: a seed that mines and pays on a small disk, which is filled and freed under it, and which
 * is stopped by SIGTERM or SIGKILL at any moment. After every start it must hold each height that it told over
 * `/health` or in its log, and each payment that it told over HTTP must be found under its Idempotency-Key.
 *
 *   npm run -s diskfull -- [--rounds 40] [--kills 0] [--seed N]
 *
 * `--rounds`: rounds with a disk that may fill; `--kills`: rounds of mining that SIGKILL ends. The disk is a tmpfs,
 * which only root can mount: for others it prints one line and ends well. The last line says what was lost.
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../sim/random.ts';
import { mountDisk, type Disk } from './disk.ts';
import { runRound, type Plan, type Tally } from './round.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    kills: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
  },
});
const seed = Number(values.seed);
const random = createRandom(seed, 'diskfull');
const plans: Plan[] = [
  ...Array<Plan>(Number(values.rounds)).fill('fill'),
  ...Array<Plan>(Number(values.kills)).fill('kill'),
];

const scratch = mkdtempSync(join(tmpdir(), 'pila-disk-'));

function openDisk(): Disk | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const folder = join(scratch, 'disk');
  mkdirSync(folder);
  return mountDisk(folder);
}

async function run(disk: Disk): Promise<boolean> {
  const tally: Tally = { height: 0, paid: [], lostBlocks: 0, lostPayments: 0, fills: 0, lines: 0 };
  let kept = 0;
  try {
    for (const [i, plan] of plans.entries()) {
      const { what, isKept } = await runRound({ disk, random, tally, plan });
      kept += Number(isKept);
      console.log(`round ${i + 1} of ${plans.length}: ${what}`);
    }
  } finally {
    disk.unmount();
  }
  const { lostBlocks, lostPayments } = tally;
  const lost = lostBlocks + lostPayments;
  const losses = lost ? `${lostBlocks} blocks and ${lostPayments} payments` : '0';
  const told = `${tally.height} blocks and ${tally.paid.length} payments told`;
  const full = `full ${tally.fills} times, ${tally.lines} lines of it in the log`;
  console.log(`${kept} of ${plans.length} starts held all; ${told}; ${full}; --seed ${seed}`);
  console.log(`diskfull: ${plans.length} rounds, ${losses} lost`);
  return lost === 0;
}

const disk = openDisk();
if (!disk) console.log('diskfull: skipped: only root can mount a disk of its own');
else if (!(await run(disk))) process.exitCode = 1;
rmSync(scratch, { recursive: true });
