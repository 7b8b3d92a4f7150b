import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolder } from '../../src/node/data-folder.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pila-data-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('the data folder', () => {
  it('is made for its owner alone, and closed to others where it was there', async () => {
    const made = join(scratch, 'a', 'b');
    await makeFolder(made);
    expect([made, join(scratch, 'a')].map(modeOf)).toEqual([0o700, 0o700]);
    const there = join(scratch, 'there');
    mkdirSync(there);
    chmodSync(there, 0o755);
    await makeFolder(there);
    expect(modeOf(there)).toBe(0o700);
    await makeFolder(there);
  });

  it('is refused, and left as it was, where it holds other things alone', async () => {
    const other = join(scratch, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'letter'), '');
    chmodSync(other, 0o1777);
    await expect(makeFolder(other)).rejects.toMatchObject({
      code: 'DATA_REFUSED',
      message: expect.stringContaining(`${other} cannot be used: it holds other things`) as string,
    });
    expect(statSync(other).mode & 0o7777).toBe(0o1777);
    // With a node's things in it it is the node's, as is a new disk.
    for (const own of ['chain', 'lost+found']) {
      mkdirSync(join(other, own));
      await makeFolder(other);
      expect(modeOf(other)).toBe(0o700);
      rmSync(join(other, own), { recursive: true });
    }
  });

  it('is refused with a sentence where a file has its name, or its parent takes none', async () => {
    const file = join(scratch, 'file');
    writeFileSync(file, '');
    for (const path of [file, join(file, 'x')])
      await expect(makeFolder(path)).rejects.toMatchObject({
        code: 'DATA_REFUSED',
        message: expect.stringContaining(`${path} cannot be used: `) as string,
      });
    if (!existsSync('/proc/self')) return expect(process.platform).not.toBe('linux');
    for (const path of ['/proc/x', '/proc/x/y'])
      await expect(makeFolder(path)).rejects.toMatchObject({ code: 'DATA_REFUSED' });
  });
});
