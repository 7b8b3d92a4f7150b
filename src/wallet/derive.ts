/**
 * Private key derivation of BIP-32 over secp256k1, the part of it that a wallet with words needs: no
 * extended keys as text, no public derivation. test/wallet/keys.test.ts compares it with @scure/bip32.
 */
import { schnorr } from '@noble/curves/secp256k1.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { assert } from '../lib/errors.ts';
import { concat, u32, utf8 } from '../lib/bytes.ts';

interface Node {
  readonly secret: Uint8Array;
  readonly chainCode: Uint8Array;
}

const HARDENED = 2 ** 31;
const INDEX = /^(\d{1,10})('?)$/;
// Its parts are taken through `schnorr`: ECDSA, which nothing here needs, then stays out of the keys' bundle.
const { Point } = schnorr;
const { Fn } = Point;

const masterOf = (seed: Uint8Array): Node => nodeOf(hmac(sha512, utf8('Bitcoin seed'), seed));

/** Each step's secret and chain code, of 64 bytes, which are wiped. */
function nodeOf(digest: Uint8Array): Node {
  const node = { secret: digest.slice(0, 32), chainCode: digest.slice(32) };
  digest.fill(0);
  return node;
}

/** CKDpriv. A digest beyond the group's order, or a sum of zero, has a chance of 2^-127. */
function childOf({ secret, chainCode }: Node, index: number): Node {
  const name =
    index >= HARDENED
      ? concat(Uint8Array.of(0), secret)
      : Point.BASE.multiply(Fn.fromBytes(secret)).toBytes(true);
  const data = concat(name, u32(index).reverse());
  const step = nodeOf(hmac(sha512, chainCode, data));
  name.fill(0);
  data.fill(0);
  const sum = Fn.add(Fn.fromBytes(step.secret), Fn.fromBytes(secret));
  assert(sum !== 0n, 'a derived key is not zero');
  step.secret.fill(0);
  return { secret: Fn.toBytes(sum), chainCode: step.chainCode };
}

/** The secret, 32 bytes, at a path such as m/44'/0'/0'/0/0 below a BIP-39 seed. */
export function secretAtPath(seed: Uint8Array, path: string): Uint8Array {
  const [root, ...steps] = path.split('/');
  assert(root === 'm', 'a path starts at the master key');
  let node = masterOf(seed);
  for (const step of steps) {
    const [, digits, hardened] = INDEX.exec(step) ?? [];
    const index = Number(digits);
    assert(index < HARDENED, 'an index is a number below 2^31');
    const child = childOf(node, hardened ? index + HARDENED : index);
    wipe(node);
    node = child;
  }
  return node.secret;
}

function wipe({ secret, chainCode }: Node): void {
  secret.fill(0);
  chainCode.fill(0);
}
