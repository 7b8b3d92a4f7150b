/**
 * The commands of docs/operate.md, as they stand there, one block after another on a real node. Folders and ports
 * are those of this test, and `systemctl` starts and stops the unit's ExecStart; deploy:check has a real systemd.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../e2e/support/seed.ts';

// A node is started three times; one start takes seconds or, on a busy machine, ten.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const ROOT = join(import.meta.dirname, '../..');
const text = readFileSync(join(ROOT, 'docs/operate.md'), 'utf8');
const blocks = [...text.matchAll(/^```(.*)\n([^]*?)^```$/gm)].map(([, info, commands]) => ({
  info: info!,
  commands: commands!,
}));
const runs = blocks.filter(({ info }) => info === 'sh');

describe('blocks of the document', () => {
  it('are commands that run here, say why not, or are files of another program', () => {
    const others = blocks.map(({ info }) => info).filter((info) => info !== 'sh');
    const known = /^(sh not run: it( [\w';:]+){3,}.*|caddy|nginx|sysctl)$/;
    expect(others.filter((info) => !known.test(info))).toEqual([]);
    expect(runs.length).toBeGreaterThan(7);
  });
});

describe('the commands', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'pila-operate-'));
  const at = (name: string): string => join(scratch, name);
  let places: [RegExp, string][] = [];
  const here = (commands: string): string =>
    places.reduce((done, [place, ours]) => done.replace(place, ours), commands);

  function run(commands: string): { status: number | null; stdout: string; stderr: string } {
    return spawnSync('bash', ['--norc', '-euo', 'pipefail', '-c', here(commands)], {
      cwd: scratch,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, PATH: `${at('tools')}:${process.env.PATH}` },
    });
  }

  /** The id that a node tells at its start from that folder. */
  async function idFrom(data: string): Promise<string> {
    const ports = [await freePort(), await freePort(), await freePort()];
    const [port, rtc, rpc] = ports.map(String);
    const flags = ['--network', 'e2e', '--data', data, '--port', port!];
    const child = spawn(join(ROOT, 'bin/pila'), [...flags, '--rtc-port', rtc!, '--rpc-port', rpc!]);
    const ended = new Promise((resolve) => child.on('exit', resolve));
    let told = '';
    for await (const part of child.stdout.setEncoding('utf8')) {
      told += part;
      if (/ info ready .*\n/.test(told)) break;
    }
    child.kill('SIGTERM');
    await ended;
    return / info ready .*peer=(\w+)/.exec(told)![1]!;
  }

  beforeAll(async () => {
    const [port, rtc, rpc] = [await freePort(), await freePort(), await freePort()];
    places = [
      [/\/opt\/pila\//g, `${ROOT}/`],
      [/\/var\/lib\/private\/pila/g, at('moved')],
      [/\/var\/lib\/pila/g, at('data')],
      [/\/root\//g, `${at('root')}/`],
      [/127\.0\.0\.1:8790/g, `127.0.0.1:${port}`],
      [/127\.0\.0\.1:8792/g, `127.0.0.1:${rpc}`],
    ];
    for (const folder of ['tools', 'root']) mkdirSync(at(folder));
    const unit = readFileSync(join(ROOT, 'deploy/pila.service'), 'utf8');
    const flags = `--network e2e --port ${port} --rtc-port ${rtc} --rpc-port ${rpc}`;
    const start = /^ExecStart=(.*)$/m
      .exec(unit)![1]!
      .replace('${STATE_DIRECTORY}', '/var/lib/pila')
      .replace('$PILA_FLAGS', flags);
    writeFileSync(
      at('tools/systemctl'),
      here(`#!/bin/bash
cd ${scratch}
if [ "$1" = start ]; then
  : > log
  ${start} >> log 2>&1 &
  echo $! > pid
  until grep -q ' info ready ' log; do kill -0 $! && sleep 0.1 || exit 1; done
else
  kill -TERM $(cat pid)
  while kill -0 $(cat pid) 2> /dev/null; do sleep 0.1; done
fi
`),
    );
    chmodSync(at('tools/systemctl'), 0o755);
    expect(run('systemctl start pila').stderr).toBe('');
  });
  afterAll(() => {
    run('kill -KILL $(cat pid) || true');
    rmSync(scratch, { recursive: true });
  });

  it.each(runs)('$commands', ({ commands }) => {
    const { status, stdout, stderr } = run(commands);
    expect([status, stderr]).toEqual([0, expect.not.stringMatching(/./)]);
    // Commands that keep quiet are those that write files.
    if (!/openssl|tar -C \S+ -czf/.test(commands)) expect(stdout).not.toBe('');
    if (commands.includes('cmp')) expect(stdout).toBe('the copy is whole\n');
  });

  it('moved the node as it was: the same id, and keys that nobody else reads', async () => {
    expect(await idFrom(at('moved'))).toBe(await idFrom(at('data')));
    const [mode] = run('ls -l /var/lib/private/pila/keys.json').stdout.split(' ');
    expect(mode).toBe('-rw-------');
  });

  it('stopped the node before its folder was packed', () => {
    expect(run('kill -0 $(cat pid)').status).not.toBe(0);
  });
});
