import { describe, expect, it } from 'vitest';
import { readPak } from '../../models/lingua/pak.ts';

/** A version 5 file: header, one entry per text and one past the last, aliases, texts. */
function pak(texts: Record<number, string>, aliases: [number, number][] = [], encoding = 1) {
  const encode = (t: string): Buffer => Buffer.from(t, encoding === 2 ? 'utf16le' : 'utf8');
  const parts = Object.entries(texts).map(([id, t]) => [Number(id), encode(t)] as const);
  let at = 12 + 6 * (parts.length + 1) + 4 * aliases.length;
  const head = Buffer.alloc(at);
  head.writeUInt32LE(5, 0);
  head.writeUInt8(encoding, 4);
  head.writeUInt16LE(parts.length, 8);
  head.writeUInt16LE(aliases.length, 10);
  for (const [i, [id, bytes]] of [...parts, [0, Buffer.alloc(0)] as const].entries()) {
    head.writeUInt16LE(id, 12 + 6 * i);
    head.writeUInt32LE(at, 14 + 6 * i);
    at += bytes.length;
  }
  for (const [i, [id, index]] of aliases.entries()) {
    const entry = 12 + 6 * (parts.length + 1) + 4 * i;
    head.writeUInt16LE(id, entry);
    head.writeUInt16LE(index, entry + 2);
  }
  return Buffer.concat([head, ...parts.map(([, bytes]) => bytes)]);
}
const all = (file: Uint8Array): [number, string][] => [...readPak(file).texts];

describe('a pak file', () => {
  it('gives the text of every id and alias', () => {
    expect(all(pak({ 7: 'Città', 900: '' }, [[901, 0]]))).toEqual([
      [7, 'Città'],
      [900, ''],
      [901, 'Città'],
    ]);
    expect(all(pak({ 1: '設定' }, [], 2))).toEqual([[1, '設定']]);
  });

  it('is refused with the reason', () => {
    const good = pak({ 1: 'a', 2: 'b' });
    const changed = (at: number, value: number): Buffer => {
      const copy = Buffer.from(good);
      copy.writeUInt8(value, at);
      return copy;
    };
    expect(() => readPak(good.subarray(0, 8))).toThrow('too short');
    expect(() => readPak(changed(0, 9))).toThrow('version 9');
    expect(() => readPak(changed(4, 0))).toThrow('encoding 0');
    expect(() => readPak(changed(8, 200))).toThrow('table');
    expect(() => readPak(changed(14, 255))).toThrow('entry 0');
    expect(() => readPak(pak({ 1: 'a' }, [[2, 5]]))).toThrow('alias 0');
  });
});
