/** Starts seed-process.ts with the project's Node.js and waits until it listens. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { atEnd } from './peers.ts';

export interface SeedProcess {
  readonly addresses: string[];
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>;
}

export async function spawnSeed(place: string, listen: readonly string[]): Promise<SeedProcess> {
  const script = fileURLToPath(new URL('./seed-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, place, ...listen], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  atEnd(kill);
  const line = once(createInterface(child.stdout), 'line');
  const first = await Promise.race([line, exited.then(() => undefined)]);
  if (!first) throw new Error('the seed process ended');
  return { addresses: JSON.parse(first[0]), kill };
}
