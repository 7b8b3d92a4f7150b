/** What operators are given says nothing that the node does not have, and needs nothing it lacks. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MINER_HELP } from '../../src/node/contributor/miner-options.ts';
import { EXITS } from '../../src/node/exits.ts';
import { HELP } from '../../src/node/seed/options.ts';

/** Flags of npm, podman, systemctl, tar, useradd and the container file. */
const OTHERS = [
  ...['--format', '--memory', '--no-same-owner', '--system', '--uid', '--home-dir'],
  ...['--omit', '--cap-drop', '--read-only', '--tmpfs', '--now', '--name'],
  ...['--interval', '--timeout', '--start-period', '--from'],
];

const read = (path: string): string => readFileSync(path, 'utf8');
const unit = read('deploy/pila.service');
const operate = read('docs/operate.md');
const sources = (folder: string) =>
  readdirSync(join('src', folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(join('src', folder, file)));

it('flags in the documents are flags of the node or the miner', () => {
  const named = [operate, unit, read('deploy/Containerfile'), read('docs/api.md')].flatMap((text) =>
    [...text.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag),
  );
  const wrong = named.filter(
    (flag) => !OTHERS.includes(flag) && !`${HELP}${MINER_HELP}`.includes(`  ${flag} `),
  );
  expect([...new Set(wrong)]).toEqual([]);
  expect(named.length).toBeGreaterThan(20);
});

it('metrics to watch are metrics of the node, and none is left out', () => {
  const code = read('src/node/rpc/metrics.ts');
  const made = [...code.matchAll(/(?:gauge|coins|count)\('(\w+)'|name: 'pila_(\w+)'/g)].map(
    ([, short, whole]) => `pila_${short ?? whole}`,
  );
  const told = new Set([...operate.matchAll(/pila_\w+/g)].map(([name]) => name));
  expect([...told].sort()).toEqual([...new Set(made)].sort());
});

it('packages that the node imports are there without those for development', () => {
  const { dependencies } = JSON.parse(read('package.json'));
  const folders = ['lib', 'core', 'chain', 'net', 'miner', 'wallet', 'client', 'node'];
  const named = folders.flatMap(sources).flatMap((text) => {
    const imports = text.matchAll(/^\s*(?:import|export)\b[^'";]*?\bfrom\s*'([^'.][^']*)'/gm);
    return [...imports].map(([, name]) => name!);
  });
  const packages = named
    .filter((name) => !name.startsWith('node:') && !name.startsWith('virtual:'))
    .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0]);
  expect([...new Set(packages)].filter((name) => !(name in dependencies))).toEqual([]);
});

it('exit codes are told as they are, and the service is not started again in vain', () => {
  const rows = [
    ...operate.matchAll(
      /^- \*\*(\d+)\*\* — (.+)\n( {2}- errors: .*\n)?( {2}- another start: may help\n)?/gm,
    ),
  ];
  const told = rows.map(([, code, means, errors, again]) => ({
    code: Number(code),
    means,
    errors: [...(errors ?? '').matchAll(/`(\w+)`/g)].map(([, error]) => error),
    mends: again !== undefined,
  }));
  expect(told).toEqual(EXITS);
  const [, prevented = ''] = /^RestartPreventExitStatus=(.*)$/m.exec(unit) ?? [];
  const hopeless = EXITS.filter(({ code, mends }) => code !== 0 && !mends);
  expect(prevented.split(' ').map(Number)).toEqual(hopeless.map(({ code }) => code));
  for (const help of [HELP, MINER_HELP])
    for (const { code, means } of EXITS) expect(help).toContain(`${code} ${means}`);
});

it('bin/pila runs on the Node beside it, and says where there is none', () => {
  const own = spawnSync('bin/pila', ['--help'], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
  });
  expect(own).toMatchObject({ status: 0, stdout: `${HELP}\n`, stderr: '' });
  const folder = mkdtempSync(join(tmpdir(), 'pila-bin-'));
  mkdirSync(join(folder, 'bin'));
  copyFileSync('bin/pila', join(folder, 'bin/pila'));
  const alone = spawnSync(join(folder, 'bin/pila'), ['--help'], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  const sentence = `pila: there is no Node 24 in ${folder}: npm ci brings it\n`;
  expect(alone).toMatchObject({ status: 1, stdout: '', stderr: sentence });
});

it('an installation takes nothing away where it cannot be made', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'pila-install-'));
  const at = (path: string): string => join(scratch, path);
  const lock = { packages: { 'node_modules/gone': {} } };
  const files = ['bin/pila', 'dist/index.html', 'src/kept', 'old/bin/pila', 'old/src/kept'];
  for (const file of ['deploy/install.ts', 'package-lock.json', 'full/other', ...files]) {
    mkdirSync(join(at(file), '..'), { recursive: true });
    writeFileSync(at(file), '');
  }
  copyFileSync('deploy/install.ts', at('deploy/install.ts'));
  writeFileSync(at('package-lock.json'), JSON.stringify(lock));
  const outside = mkdtempSync(join(tmpdir(), 'pila-older-'));
  cpSync(at('old'), outside, { recursive: true });
  symlinkSync(scratch, join(outside, 'link'));
  const install = (to: string) =>
    spawnSync(process.execPath, [at('deploy/install.ts'), to], { cwd: scratch, encoding: 'utf8' });
  for (const [to, why] of [
    ['.', 'is in the folder that it is installed from'],
    ['new/folder', 'is in the folder that it is installed from'],
    [join(outside, 'link'), 'is in the folder that it is installed from'],
    ['full', 'is not empty, and no Pila'],
    [outside, 'node_modules/gone is missing: npm ci'],
  ] as const) {
    const { status, stderr } = install(to);
    expect([to, status, stderr]).toEqual([to, 1, expect.stringContaining(why)]);
    for (const kept of [at('src/kept'), at('bin/pila'), join(outside, 'src/kept')])
      expect([to, kept, existsSync(kept)]).toEqual([to, kept, true]);
  }
  rmSync(scratch, { recursive: true });
  rmSync(outside, { recursive: true });
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
it.skipIf(!hasSystemd)('systemd understands the unit (skipped where there is none)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pila-unit-'));
  const path = join(folder, 'pila.service');
  // What it starts is not installed here.
  const there = unit
    .replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true')
    .replace(/^WorkingDirectory=.*$/m, 'WorkingDirectory=/');
  writeFileSync(path, there);
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
  const security = ['security', '--offline=true', '--threshold=20', path];
  const exposed = spawnSync('systemd-analyze', security, { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  expect([verified.status, verified.stderr]).toEqual([0, '']);
  // Out of 100.
  expect(exposed.status, exposed.stdout).toBe(0);
});
