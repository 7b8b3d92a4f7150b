/** What an import has done, in files: each with its hash before it, so that none is taken that was cut or has rotted. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Keeper } from './keeper.ts';

const HASH_BYTES = 32;
const ROOT = join(import.meta.dirname, '../../..');
/** What an import's integers follow from beside its input. */
const SOURCES = ['models', 'src/core', 'src/lib', 'src/miner'];

const sha256 = (...parts: Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** Of the program that imports: what another version kept is not gone on with. */
function programHash(): Buffer {
  const files = SOURCES.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .sort()
      .map((name) => readFileSync(join(ROOT, folder, name))),
  );
  return sha256(...files.map((file) => sha256(file)));
}

/** @param input what is imported and how: of another one nothing is gone on with */
export function filesKeeper(folder: string, ...input: Uint8Array[]): Keeper {
  const key = sha256(programHash(), ...input.map((part) => sha256(part)));
  const own = join(folder, key.toString('hex').slice(0, 16));
  mkdirSync(own, { recursive: true });
  return {
    read(name) {
      let file: Buffer;
      try {
        file = readFileSync(join(own, name));
      } catch {
        return undefined;
      }
      const body = file.subarray(HASH_BYTES);
      const isWhole = sha256(body).equals(file.subarray(0, HASH_BYTES));
      return isWhole ? (deserialize(body) as unknown) : undefined;
    },
    write(name, value) {
      const body = serialize(value);
      const path = join(own, `${name}.part`);
      writeFileSync(path, Buffer.concat([sha256(body), body]));
      const handle = openSync(path, 'r');
      fsyncSync(handle);
      closeSync(handle);
      renameSync(path, join(own, name));
    },
  };
}
