/** Networks of strangers: a network namespace each, with several addresses, one wire away from this machine. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';

/** The range set aside for measurements of networks (RFC 2544): no route of a real one is hidden. */
const RANGE = '198.18';

export interface Network {
  /** This machine's address there. */
  readonly gateway: string;
  readonly addresses: readonly string[];
  /** Runs a script of this project there. */
  run(script: string, args: readonly string[]): ChildProcess;
}

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });

/** Why there can be none; undefined: there can. */
export const noNetworks = (): string | undefined =>
  process.getuid?.() !== 0
    ? 'it needs root for network namespaces'
    : existsSync('/usr/sbin/ip') || existsSync('/sbin/ip')
      ? undefined
      : 'it needs ip (iproute2)';

const made: string[] = [];

/** @param n 0 to 255, its place in the range */
export function openNetwork(n: number, addresses: number): Network {
  const [name, here, there] = [`pila-${n}`, `pila-${n}-here`, `pila-${n}-there`];
  ip('netns', 'add', name);
  made.push(name);
  ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name);
  const gateway = `${RANGE}.${n}.1`;
  ip('addr', 'add', `${gateway}/24`, 'dev', here);
  ip('link', 'set', here, 'up');
  const own = Array.from({ length: addresses }, (_, i) => `${RANGE}.${n}.${i + 2}`);
  for (const address of own) ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', there);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  ip('-n', name, 'link', 'set', there, 'up');
  return {
    gateway,
    addresses: own,
    run: (script, args) =>
      spawn('ip', ['netns', 'exec', name, process.execPath, script, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
  };
}

/** Takes all of them down; their wires go with them. */
export function closeNetworks(): void {
  for (const name of made.splice(0)) ip('netns', 'del', name);
}
