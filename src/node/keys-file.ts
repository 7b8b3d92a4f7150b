/** Secrets of a node in its data folder, readable by its owner alone: peer key and payout key. */
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { schnorr } from '@noble/curves/secp256k1.js';
import { addressOf } from '../core/address.ts';
import { fromHex, toHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { textFromBytes } from '../lib/text-file.ts';
import { closeToOthers, dataRefused, FILE_MODE, makeFolder, writeWhole } from './data-folder.ts';
import { newPrivateKey, peerIdOfKey } from '../net/peer-key.ts';

export interface NodeKeys {
  /** libp2p's key, so that the node's address survives a restart. */
  readonly peer: Uint8Array;
  /** secp256k1 secret, 32 bytes: its address is paid for mining without --payout. */
  readonly payout: Uint8Array;
}

export const payoutAddress = (keys: NodeKeys): Uint8Array =>
  addressOf(schnorr.getPublicKey(keys.payout));

/** Loads the keys, or makes them at the first start. @throws AppError KEYS_CORRUPT, DATA_REFUSED */
export async function openKeys(folder: string): Promise<NodeKeys> {
  const path = join(folder, 'keys.json');
  await makeFolder(folder);
  const file = await readFile(path).catch(async (e: NodeJS.ErrnoException) => {
    // A link to a disk that is not mounted is no first start: new keys in its place would hide the old ones.
    const isFirst = e.code === 'ENOENT' && !(await lstat(path).catch(() => undefined));
    if (isFirst) return undefined;
    throw dataRefused(folder, e);
  });
  if (file !== undefined) {
    // As a copy that was put back may not be.
    await closeToOthers(path, FILE_MODE).catch((e: Error) => {
      throw dataRefused(folder, e);
    });
    return parseKeys(file, path);
  }
  const keys = {
    peer: await newPrivateKey(),
    payout: schnorr.utils.randomSecretKey(randomBytes(48)),
  };
  const text = JSON.stringify({ peer: toHex(keys.peer), payout: toHex(keys.payout) });
  await writeWhole(path, text).catch((e: Error) => {
    throw dataRefused(folder, e);
  });
  return keys;
}

function parseKeys(file: Uint8Array, path: string): NodeKeys {
  try {
    const { peer, payout } = JSON.parse(textFromBytes(file)) as Record<string, string>;
    const keys = { peer: fromHex(peer ?? '?'), payout: fromHex(payout ?? '?', 32) };
    if (keys.peer && keys.payout) {
      // Both calls throw for bytes that are no key.
      peerIdOfKey(keys.peer);
      schnorr.getPublicKey(keys.payout);
      return keys as NodeKeys;
    }
  } catch {
    // Whatever was wrong, the file is refused below.
  }
  throw new AppError(
    'KEYS_CORRUPT',
    `${path} is not a key file: restore it from a copy. ` +
      'Without it the node makes a new payout key, and coins of the old one are lost',
  );
}
