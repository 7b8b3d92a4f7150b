import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WRITTEN } from '../lib/written.ts';
import { openKeys, payoutAddress } from '../../src/node/keys-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pila-keys-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the key file', () => {
  it('is made once, in a new folder, for its owner alone', async () => {
    const data = join(folder, 'a', 'b');
    const made = await openKeys(data);
    expect(await openKeys(data)).toEqual(made);
    expect((await stat(join(data, 'keys.json'))).mode & 0o777).toBe(0o600);
    expect(await readdir(data)).toEqual(['keys.json']);
    expect(payoutAddress(made)).toHaveLength(32);
    expect(payoutAddress(await openKeys(join(folder, 'c')))).not.toEqual(payoutAddress(made));
  });

  it('is whole or not there: a half-written one of a start that was killed is replaced', async () => {
    await writeFile(join(folder, 'keys.json.new'), '{"peer":"00');
    await chmod(join(folder, 'keys.json.new'), 0o644);
    const made = await openKeys(folder);
    expect(await openKeys(folder)).toEqual(made);
    expect((await stat(join(folder, 'keys.json'))).mode & 0o777).toBe(0o600);
  });

  const corruptions: [string, (good: any) => unknown][] = [
    ['nothing', () => ''],
    ['no JSON', () => '{'],
    ['null', () => null],
    ['a list', () => []],
    ['a missing key', ({ peer }) => ({ peer })],
    ['a short secret', (good) => ({ ...good, payout: good.payout.slice(2) })],
    ['a secret that is no key', (good) => ({ ...good, payout: '00'.repeat(32) })],
    ['a peer key that is no key', (good) => ({ ...good, peer: '0badc0de' })],
    ['numbers', () => ({ peer: 1, payout: 2 })],
  ];
  it.each(corruptions)('with %s in it is refused and left alone', async (_, corrupt) => {
    await openKeys(folder);
    const path = join(folder, 'keys.json');
    const bad = corrupt(JSON.parse(await readFile(path, 'utf8')));
    const text = typeof bad === 'string' ? bad : JSON.stringify(bad);
    await writeFile(path, text);
    await expect(openKeys(folder)).rejects.toMatchObject({ code: 'KEYS_CORRUPT' });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it.each(WRITTEN)('is read as a person edited it: %s', async (_, write) => {
    const made = await openKeys(folder);
    const path = join(folder, 'keys.json');
    const pretty = JSON.stringify(JSON.parse(await readFile(path, 'utf8')), undefined, 2);
    await writeFile(path, write(`${pretty}\n`));
    expect(await openKeys(folder)).toEqual(made);
  });

  it('is closed to others at each start, as a copy that was put back may not be', async () => {
    const made = await openKeys(folder);
    const path = join(folder, 'keys.json');
    await chmod(path, 0o644);
    expect(await openKeys(folder)).toEqual(made);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('may lie behind a link, in whose place no other is made where it leads nowhere', async () => {
    const made = await openKeys(folder);
    const [path, disk] = [join(folder, 'keys.json'), join(folder, 'disk')];
    await rename(path, disk);
    await symlink(disk, path);
    expect(await openKeys(folder)).toEqual(made);
    await rename(disk, `${disk}.unmounted`);
    await expect(openKeys(folder)).rejects.toMatchObject({ code: 'DATA_REFUSED' });
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
    await rename(`${disk}.unmounted`, disk);
    expect(await openKeys(folder)).toEqual(made);
  });

  it('needs a folder that can be used', async () => {
    await writeFile(join(folder, 'file'), '');
    const under = join(folder, 'file', 'data');
    await expect(openKeys(under)).rejects.toMatchObject({ code: 'DATA_REFUSED' });
    await mkdir(join(folder, 'odd', 'keys.json'), { recursive: true });
    const odd = join(folder, 'odd');
    await expect(openKeys(odd)).rejects.toMatchObject({ code: 'DATA_REFUSED' });
  });
});
