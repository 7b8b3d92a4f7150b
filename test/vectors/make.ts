/**
 * Writes test/vectors/core/*.json: fixed values that a second implementation can check itself
 * against. Run it only when the protocol changes on purpose (`node test/vectors/make.ts`), and
 * read the difference like a change of the specification. test/core/vectors.test.ts asserts them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex, utf8 } from '../../src/lib/bytes.ts';
import {
  answerHash,
  questionHash,
  Receipt,
  receiptHash,
  signHash,
  voucherHash,
} from '../../src/core/channel.ts';
import { formatAddress } from '../../src/core/address.ts';
import { bodyRoot } from '../../src/core/tx/body.ts';
import { encode } from '../../src/core/codec.ts';
import { Header, SignedTx } from '../../src/core/formats.ts';
import { blockId, genesisPoint, headerHash } from '../../src/core/header/header.ts';
import { hash } from '../../src/core/hash.ts';
import { EMPTY_MMR, mmrAppend, mmrLeaf, mmrRoot } from '../../src/core/header/mmr.ts';
import { EMPTY_TREE, proveKeys, treeRoot, treeSet, type Tree } from '../../src/core/tree/tree.ts';
import { txId } from '../../src/core/tx/tx.ts';
import {
  ALICE,
  BOB,
  bytes32,
  channel,
  childHeader,
  close,
  CAROL,
  GENESIS_ID,
  MODEL,
  paramsOf,
  SIGNER,
  transfer,
} from '../core/fixtures.ts';
import { Ledger } from '../core/ledger.ts';

const GENESIS_TIME = 1_800_000_000_000;

const addresses = () =>
  [ALICE, BOB, CAROL].flatMap(({ key, address }) =>
    ['pila', 'tpila', 'rpila'].map((prefix) => ({
      publicKey: toHex(key),
      address: toHex(address),
      text: formatAddress(address, prefix),
    })),
  );

const transactions = () =>
  [
    transfer(ALICE, { memo: Uint8Array.of(104, 105) }),
    channel(ALICE),
    close(CAROL, { channel: bytes32(3), amount: 12_345n }),
  ].map((signed) => ({
    type: signed.tx.type,
    bytes: toHex(encode(SignedTx, signed)),
    id: toHex(txId(signed.tx)),
    bodyRoot: toHex(bodyRoot([signed])),
    bodyRootOfThree: toHex(bodyRoot([signed, signed, signed])),
  }));

function headers() {
  const networks = (['main', 'test', 'local', 'e2e'] as const).map((name) => paramsOf(name));
  return networks.flatMap((params) => {
    const genesis = genesisPoint(params, GENESIS_TIME);
    const next = childHeader(params, genesis, EMPTY_TREE, [], { proofDigest: bytes32(9) });
    return [genesis.header, next].map((header) => ({
      network: params.network,
      bytes: toHex(encode(Header, header)),
      h: toHex(headerHash(header)),
      id: toHex(blockId(header)),
    }));
  });
}

function mmr() {
  let range = EMPTY_MMR;
  return Array.from({ length: 20 }, (_, i) => {
    const work = BigInt(i) * 1_000_003n;
    range = mmrAppend(range, mmrLeaf(bytes32(i), work));
    return { blockId: toHex(bytes32(i)), work: String(work), root: toHex(mmrRoot(range)) };
  });
}

/** Sixteen insertions, then every second one deleted; a proof of one present and one absent key. */
function tree() {
  let state: Tree = EMPTY_TREE;
  const absent = hash('seed', Uint8Array.of(1, 2, 3));
  const change = (i: number, value: Uint8Array | undefined) => {
    state = treeSet(state, bytes32(i), value);
    return {
      key: toHex(bytes32(i)),
      value: value ? toHex(value) : null,
      root: toHex(treeRoot(state)),
      absent: toHex(absent),
      proof: toHex(proveKeys(state, [bytes32(i), absent])),
    };
  };
  const numbers = Array.from({ length: 16 }, (_, i) => i);
  return [
    ...numbers.map((i) => change(i, Uint8Array.of(i, 255 - i))),
    ...numbers.filter((i) => i % 2).map((i) => change(i, undefined)),
  ];
}

/** State roots after a few blocks on `local`: coinbases, transfers, three channels, of which one is closed. */
function state() {
  const ledger = Ledger.rich(ALICE, 2);
  ledger.add([transfer(ALICE), transfer(ALICE, { nonce: 1, to: CAROL.address })]);
  const openings = [2, 3, 4].map((nonce) => channel(ALICE, { nonce, lifetime: 60 + (nonce % 2) }));
  ledger.add(openings);
  ledger.add([close(CAROL, { channel: txId(openings[2]!.tx), amount: 1000n })]);
  ledger.skip(60);
  return ledger.done.map(({ tree: after, fees }, i) => ({
    height: i + 1,
    fees: String(fees),
    root: toHex(treeRoot(after)),
  }));
}

/** What a channel's signer and its provider sign, and what a receipt names. */
function channels() {
  const id = txId(channel(ALICE).tx);
  const salt = bytes32(4);
  const [options, input, reply] = ['{}', 'what is it?', 'an answer'].map((s) => utf8(s)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const question = questionHash(salt, options, input);
  const answer = answerHash(salt, reply);
  const receipt = { channel: id, n: 1, model: MODEL, question, answer, total: 12_345n };
  const hashes = {
    voucher: voucherHash(GENESIS_ID, id, 12_345n),
    question,
    answer,
    receipt: receiptHash(GENESIS_ID, receipt),
  };
  return {
    genesis: toHex(GENESIS_ID),
    channel: toHex(id),
    amount: '12345',
    salt: toHex(salt),
    options: toHex(options),
    input: toHex(input),
    reply: toHex(reply),
    signer: toHex(SIGNER.key),
    provider: toHex(CAROL.key),
    hashes: Object.fromEntries(Object.entries(hashes).map(([name, value]) => [name, toHex(value)])),
    receiptBytes: toHex(encode(Receipt, receipt)),
    voucher: toHex(signHash(hashes.voucher, SIGNER.secret)),
    receipt: toHex(signHash(hashes.receipt, CAROL.secret)),
  };
}

/** All vectors by file name. */
export const vectors = () => ({
  addresses: addresses(),
  transactions: transactions(),
  headers: headers(),
  mmr: mmr(),
  tree: tree(),
  state: state(),
  channels: channels(),
});

if (import.meta.main) {
  const folder = join(import.meta.dirname, 'core');
  mkdirSync(folder, { recursive: true });
  for (const [name, value] of Object.entries(vectors()))
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(value, null, 2) + '\n');
}
