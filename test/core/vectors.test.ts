import { readdirSync, readFileSync } from 'node:fs';
import { GENESIS_ID } from './fixtures.ts';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { parseAddress } from '../../src/core/address.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { isFault } from '../../src/core/faults.ts';
import { Header, SignedTx } from '../../src/core/formats.ts';
import { blockId } from '../../src/core/header/header.ts';
import { treeFromProof, treeGet, treeRoot } from '../../src/core/tree/tree.ts';
import { txId, verifySignature } from '../../src/core/tx/tx.ts';
import { vectors } from '../vectors/make.ts';

const folder = join(import.meta.dirname, '../vectors/core');
const stored = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));

test('the code still gives every stored vector', () => {
  const made = vectors();
  expect(readdirSync(folder).sort()).toEqual(
    Object.keys(made)
      .map((n) => `${n}.json`)
      .sort(),
  );
  for (const [name, value] of Object.entries(made)) expect(value, name).toEqual(stored(name));
});

// Read back from the stored bytes alone.
test('stored bytes decode to what they are said to be', () => {
  for (const v of stored('headers')) {
    const header = decode(Header, fromHex(v.bytes)!);
    expect(toHex(encode(Header, header))).toBe(v.bytes);
    expect(toHex(blockId(header))).toBe(v.id);
  }
  for (const v of stored('transactions')) {
    const signed = decode(SignedTx, fromHex(v.bytes)!);
    expect(signed.tx.type).toBe(v.type);
    expect(toHex(txId(GENESIS_ID, signed.tx))).toBe(v.id);
    expect(verifySignature(GENESIS_ID, signed)).toBe(true);
  }
  for (const v of stored('addresses')) {
    const prefix = v.text.slice(0, v.text.indexOf('1'));
    expect(toHex(parseAddress(v.text, prefix)!)).toBe(v.address);
  }
});

test('stored proofs prove what they say', () => {
  for (const v of stored('tree')) {
    const tree = treeFromProof(fromHex(v.proof)!);
    if (isFault(tree)) throw new Error(tree.fault);
    expect(toHex(treeRoot(tree))).toBe(v.root);
    const value = treeGet(tree, fromHex(v.key)!);
    expect(value ? toHex(value) : null).toBe(v.value);
    expect(treeGet(tree, fromHex(v.absent)!)).toBeUndefined();
  }
});
