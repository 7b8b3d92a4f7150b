/** Runs without rules: a full node and a client of this process, for whom an attack must win. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openPackageStore } from '../../src/client/models/package-store.ts';
import type { Header } from '../../src/core/formats.ts';
import { createMemoryParts } from '../../src/miner/package/part-store.ts';
import { startMinerThread, type MinerThread } from '../../src/node/contributor/miner-thread.ts';
import { createPackagedParts } from '../../src/node/packaged-parts.ts';
import { readModel } from '../oracle/models.ts';
import { Arena, e2e } from './arena.ts';
import type { Attack } from './attack-type.ts';
import { FAMILIES } from './families.ts';
import { createForger, type Forger } from './forger.ts';
import { beginData, MODEL, openTwo } from './judges/open.ts';
import { chargeForViews } from './without.ts';

/** ms by which the chain is older than this run: its blocks are late, and as easy as can be. */
const AGE_MS = 4 * 3600_000;
export const begunMs = (): number => Date.now() - AGE_MS;

export interface Outcome {
  readonly tries: number;
  readonly accepted: number;
  /** Deviations from the expected outcome. */
  readonly problems: readonly string[];
  readonly differences: number;
}

/** A thread that runs units again. */
export async function startReplays(): Promise<MinerThread> {
  const died = (why: string): void => console.error(`the replaying thread died: ${why}`);
  const { models } = e2e();
  const packages = await openPackageStore({
    models,
    store: await createPackagedParts(models, createMemoryParts()),
    sources: () => [],
    onChange: () => undefined,
  });
  return await startMinerThread((id) => packages.load(id), died);
}

/** Judges without rules: attacks that need the same ones off share them, one pair lives at a time. */
export class Weakened {
  readonly #forger: Forger;
  readonly #thread: MinerThread;
  readonly #genesis: Header;
  #key = '';
  #arena: Arena | undefined;

  constructor(forger: Forger, thread: MinerThread, genesis: Header) {
    this.#forger = forger;
    this.#thread = thread;
    this.#genesis = genesis;
  }

  async #without({ off }: Attack): Promise<Arena> {
    const key = off.join(' ');
    if (this.#arena && this.#key === key) return this.#arena;
    await this.close();
    this.#key = key;
    const genesis = this.#genesis;
    this.#arena = await Arena.open(
      {
        network: e2e(),
        genesis,
        forger: this.#forger,
        open: (answer, network) => openTwo(network, genesis, answer, this.#thread),
      },
      off,
    );
    return this.#arena;
  }

  /** The attack without its rule, in another process where a module is replaced. */
  async attack(attack: Attack): Promise<Outcome> {
    return attack.seam === undefined ? await this.here(attack) : inAnotherProcess(attack);
  }

  async here(attack: Attack): Promise<Outcome> {
    const arena = await this.#without(attack);
    const charged = chargeForViews(attack.charged ?? []);
    try {
      const verdicts = await attack.run(arena);
      const refused = verdicts.filter((v) => !v.accepted);
      const problems = refused.map((v) => `refused by ${v.fault} with ${this.#key} off`);
      if (!refused.length && attack.hasWon && !(await attack.hasWon(arena)))
        problems.push('accepted, but it won nothing');
      const accepted = verdicts.length - refused.length;
      return { tries: verdicts.length, accepted, problems, differences: 0 };
    } finally {
      charged();
    }
  }

  async close(): Promise<void> {
    await this.#arena?.close();
    this.#arena = undefined;
  }
}

function inAnotherProcess({ seam, name }: Attack): Outcome {
  const file = join(import.meta.dirname, 'weak.ts');
  const { stdout, stderr } = spawnSync(process.execPath, [file, seam!, name], { encoding: 'utf8' });
  const line = stdout.trim().split('\n').at(-1)!;
  if (!line.startsWith('{')) throw new Error(`no outcome of ${name}: ${stderr}`);
  return JSON.parse(line) as Outcome;
}

/** One attack of that name on judges of a fresh network. */
export async function runAlone(name: string): Promise<Outcome> {
  const attack = FAMILIES.find((one) => one.name === name)!;
  const forger = await createForger(await readModel(MODEL));
  const { data, genesis } = await beginData(e2e(), begunMs());
  rmSync(data, { recursive: true });
  return await new Weakened(forger, await startReplays(), genesis).here(attack);
}
