/**
 * What a browser's profile holds of a vault, read from its files alone: as somebody does who copies them.
 * LevelDB's blocks and V8's keys are searched byte by byte, after undoing what LevelDB packs.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { webcrypto } from 'node:crypto';
import { equal, toHex } from '../../src/lib/bytes.ts';
import {
  decodeVault,
  openDataKey,
  openEntropy,
  VERSION,
  type VaultBlob,
} from '../../src/wallet/vault/vault-blob.ts';

/** Files of databases are far smaller; models are larger, and hold no keys. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** A record with few accounts: 16 bytes a name. */
const RECORD_BYTES_MAX = 1_500;

export interface Found {
  /** Raw AES keys, as V8 writes a CryptoKey. */
  readonly keys: string[];
  /** Whole records of a vault, with what they are wrapped by. */
  readonly device: VaultBlob[];
  readonly scrypt: VaultBlob[];
  /** Entropy that some key opens some record with. */
  readonly opened: Uint8Array[];
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    // A browser that runs deletes files meanwhile.
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) return filesIn(path);
    return found?.isFile() && found.size <= FILE_BYTES_MAX ? [path] : [];
  });
}

/** The bytes of every file, and what LevelDB's packing hides in them. */
export function textsIn(profile: string): Buffer[] {
  return filesIn(profile).flatMap((path) => {
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch {
      return [];
    }
    if (path.endsWith('.log')) return [bytes, joinedLog(bytes)];
    return path.endsWith('.ldb') ? [bytes, ...blocksOf(bytes)] : [bytes];
  });
}

/** A log's records without the headers that cut them at every 32 KB. */
function joinedLog(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + 7 <= bytes.length;) {
    const left = 32_768 - (at % 32_768);
    const length = bytes.readUInt16LE(at + 4);
    if (left < 7 || length + 7 > left || bytes[at + 6] === 0) at += left;
    else {
      parts.push(bytes.subarray(at + 7, at + 7 + length));
      at += 7 + length;
    }
  }
  return Buffer.concat(parts);
}

/** A table's blocks, unpacked: found by the index that the footer names. */
function blocksOf(table: Buffer): Buffer[] {
  try {
    const footer = table.subarray(-48);
    const reader = { bytes: footer, at: 0 };
    // Of the index of filters: not needed.
    varint(reader);
    varint(reader);
    const index = block(table, varint(reader), varint(reader));
    return entriesOf(index).map((value) => {
      const handle = { bytes: value, at: 0 };
      return block(table, varint(handle), varint(handle));
    });
  } catch {
    // One that is being written has no footer yet: its log still has all of it.
    return [];
  }
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function varint(reader: Reader): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined || shift > 42) throw new Error('no varint');
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
}

function block(table: Buffer, offset: number, size: number): Buffer {
  const packed = table.subarray(offset, offset + size);
  return table[offset + size] === 1 ? unsnap(packed) : packed;
}

/** Values of a block's entries. */
function entriesOf(bytes: Buffer): Buffer[] {
  const restarts = bytes.readUInt32LE(bytes.length - 4);
  const end = bytes.length - 4 - 4 * restarts;
  const values: Buffer[] = [];
  const reader = { bytes, at: 0 };
  while (reader.at < end) {
    varint(reader);
    const [keyLength, length] = [varint(reader), varint(reader)];
    reader.at += keyLength;
    values.push(bytes.subarray(reader.at, reader.at + length));
    reader.at += length;
  }
  return values;
}

/** Snappy: literals, and copies of what came before. */
function unsnap(packed: Buffer): Buffer {
  const reader = { bytes: packed, at: 0 };
  const out = Buffer.alloc(varint(reader));
  let to = 0;
  while (reader.at < packed.length) {
    const tag = packed[reader.at++]!;
    const kind = tag & 3;
    let length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    if (kind === 0) {
      const more = length - 60;
      if (more > 0) {
        length = packed.readUIntLE(reader.at, more) + 1;
        reader.at += more;
      }
      packed.copy(out, to, reader.at, reader.at + length);
      reader.at += length;
    } else {
      const wide = [0, 1, 2, 4][kind]!;
      const read = packed.readUIntLE(reader.at, wide);
      reader.at += wide;
      const back = kind === 1 ? ((tag >> 5) << 8) + read : read;
      for (let i = 0; i < length; i++) out[to + i] = out[to + i - back]!;
    }
    to += length;
  }
  return out;
}

/** Of V8's form of an AES key of 256 bits (kind, algorithm, length, usages as a varint, bytes): the key. */
export function keysIn(text: Buffer): string[] {
  const keys: string[] = [];
  for (let at = text.indexOf(0x4b); at >= 0; at = text.indexOf(0x4b, at + 1)) {
    if (text[at + 1] !== 1 || text[at + 3] !== 32) continue;
    const lengthAt = text[at + 4]! < 128 ? at + 5 : at + 6;
    if (text[lengthAt] === 32 && lengthAt + 33 <= text.length)
      keys.push(text.subarray(lengthAt + 1, lengthAt + 33).toString('hex'));
  }
  return keys;
}

/** All whole records: a version, a wrapping, and after so many bytes a checksum that is right. */
function recordsIn(text: Buffer): VaultBlob[] {
  const records: VaultBlob[] = [];
  for (let at = 0; at + 300 < text.length; at++) {
    const [version, wrap] = [text[at]!, text[at + 1]!];
    if (version < 1 || version > VERSION || wrap > 1) continue;
    // V8 writes a Uint8Array's length before its bytes.
    for (const length of lengthsBefore(text, at)) {
      const blob = tryRecord(text.subarray(at, at + length));
      if (blob) records.push(blob);
    }
  }
  return records;
}

function lengthsBefore(text: Buffer, at: number): number[] {
  const [low, high] = [text[at - 2] ?? 0, text[at - 1] ?? 0];
  const two = (low & 127) + high * 128;
  return low >= 128 && high < 128 && two >= 200 && two <= RECORD_BYTES_MAX ? [two] : [];
}

function tryRecord(bytes: Buffer): VaultBlob | undefined {
  try {
    return decodeVault(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

/** Searches all files, and tries every key on every record. */
export async function searchProfile(profile: string): Promise<Found> {
  const texts = textsIn(profile);
  const keys = [...new Set(texts.flatMap(keysIn))];
  const all = new Map<string, VaultBlob>();
  for (const blob of texts.flatMap(recordsIn)) all.set(toHex(blob.wrappedKey.data), blob);
  const records = [...all.values()];
  const device = records.filter(({ wrap }) => wrap.type === 'device');
  const scrypt = records.filter(({ wrap }) => wrap.type === 'scrypt');
  const opened: Uint8Array[] = [];
  for (const raw of keys) {
    const bytes = Buffer.from(raw, 'hex');
    const key = await webcrypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['decrypt']);
    for (const blob of records) {
      const found = await openDataKey(webcrypto as Crypto, blob, key as CryptoKey)
        .then((dataKey) => openEntropy(webcrypto as Crypto, blob, dataKey))
        .catch(() => undefined);
      if (found) opened.push(found);
    }
  }
  return { keys, device, scrypt, opened };
}

/** Whether bytes lie in any file. */
export const holds = (profile: string, bytes: Uint8Array): boolean =>
  textsIn(profile).some((text) => text.includes(Buffer.from(bytes)));

export const opens = (found: Found, entropy: Uint8Array): boolean =>
  found.opened.some((one) => equal(one, entropy));
