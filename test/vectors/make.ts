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
import { bodyOf, bodyRoot, verifyBody } from '../../src/core/tx/body.ts';
import { encode } from '../../src/core/codec.ts';
import { Body, Header, SignedTx } from '../../src/core/formats.ts';
import {
  answerRows,
  KIND,
  manifestProblem,
  shapesOfInput,
  unitShape,
} from '../../src/core/manifest.ts';
import { ACCOUNT_MIN } from '../../src/core/params.ts';
import { pricedInput } from '../../src/core/price.ts';
import { blockId, genesisPoint, headerHash } from '../../src/core/header/header.ts';
import { headerWork, isHopeless, slipOf, targetOf } from '../../src/core/header/target.ts';
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
  MANIFEST,
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
    genesis: toHex(GENESIS_ID),
    id: toHex(txId(GENESIS_ID, signed.tx)),
    bodyRoot: toHex(bodyRoot(bodyOf([signed]))),
    bodyRootOfThree: toHex(bodyRoot(bodyOf([signed, signed, signed]))),
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

/** Slip and target of a block at the edges of both, by its parent's slip, its height and its lateness in ms. */
function difficulty() {
  const networks = (['main', 'local', 'e2e'] as const).map((name) => paramsOf(name));
  return networks.flatMap((params) => {
    const { blockTimeMs, halfLifeMs, lagMs, genesis } = params;
    const year = 365 * 86_400_000;
    const far = (129 * halfLifeMs) / blockTimeMs;
    const edge = Math.ceil(halfLifeMs / 65_536);
    const early = [1 - blockTimeMs, -1, 0, 1, edge, 12_345, halfLifeMs - 1, halfLifeMs];
    const rows: readonly (readonly [parentSlip: number, height: number, late: number])[] = [
      ...[...early, lagMs - 1, lagMs, lagMs + 1, year].map((late) => [0, 1, late] as const),
      [year - lagMs, 2, year + 1 - blockTimeMs],
      [year - lagMs, 2, year],
      [year - lagMs, 3, year - lagMs],
      [1, 1000, -3 * halfLifeMs],
      ...[60, 127, 128].map((n) => [0, far, -n * halfLifeMs] as const),
      [0, far, -128 * halfLifeMs - edge],
      [0, far, -129 * halfLifeMs],
      [2 ** 48 - 1, 7, 0],
    ];
    return rows.map(([parentSlip, height, late]) => {
      const time = genesis.timeMs + blockTimeMs * height + late;
      const slip = slipOf(params, { slip: parentSlip }, height, time);
      const header = { height, time, slip };
      return {
        network: params.network,
        genesisTime: genesis.timeMs,
        parentSlip,
        height,
        time,
        slip,
        target: targetOf(params, header).toString(16),
        work: String(headerWork(params, header)),
        tooSoon: isHopeless(params, header),
      };
    });
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

/**
 * State roots after some blocks on `local`: coinbases, transfers, three channels of which one is closed, an account
 * that is emptied and made anew, and coins that burn.
 */
function state() {
  const ledger = Ledger.rich(ALICE, 2);
  const add = (...transactions: SignedTx[]) => {
    ledger.add(transactions);
    return ledger.account(BOB.address)?.nonce ?? 0n;
  };
  const born = add(transfer(ALICE), transfer(ALICE, { nonce: 1n, to: CAROL.address }));
  const openings = [2, 3, 4].map((nonce) => channel(ALICE, { nonce, lifetime: 60 + (nonce % 2) }));
  add(...openings);
  // Bob sends all but too little, which goes to the fees with his leaf; then his account is made anew.
  add(transfer(BOB, { nonce: born, to: ALICE.address, amount: 5n }));
  const again = add(transfer(ALICE, { nonce: 5n, amount: 2n * ACCOUNT_MIN }));
  add(transfer(BOB, { nonce: again, to: bytes32(77), amount: ACCOUNT_MIN }));
  // Carol spends all that she has: what a close gives her then is too little for an account.
  const carol = ledger.account(CAROL.address)!;
  add(transfer(CAROL, { nonce: carol.nonce, to: ALICE.address, amount: carol.balance - 10n }));
  add(close(CAROL, { channel: txId(GENESIS_ID, openings[2]!.tx), amount: 1000n }));
  ledger.skip(60);
  return ledger.done.map(({ tree: after, fees, burned }, i) => ({
    height: i + 1,
    ...ledger.made[i]!,
    fees: String(fees),
    burned: String(burned),
    root: toHex(treeRoot(after)),
  }));
}

/** Bodies, with their roots and the fault that each is refused for, if any. */
function bodies() {
  const txs = [transfer(ALICE), channel(ALICE, { nonce: 1n }), transfer(ALICE, { nonce: 2n })];
  const share = {
    parent: 7,
    bodyRoot: bytes32(1),
    miner: BOB.address,
    time: 1_800_000_000_000,
    nonce: 9n,
    knows: 2,
    model: 0,
    proofDigest: bytes32(2),
    linear: 3,
    tile: 70_000,
  };
  const all: Body[] = [
    bodyOf(),
    bodyOf(txs.slice(0, 1)),
    bodyOf(txs.slice(0, 2)),
    bodyOf(txs),
    bodyOf([txs[0]!, txs[0]!]),
    { ...bodyOf(txs), shares: [share] },
    { ...bodyOf(), votes: [{ back: 1, mask: 5 }] },
  ];
  return all.map((body) => ({
    bytes: toHex(encode(Body, body)),
    root: toHex(bodyRoot(body)),
    fault:
      verifyBody(paramsOf().rules, { header: { bodyRoot: bodyRoot(body) }, body })?.fault ?? null,
  }));
}

/** What a channel's signer and its provider sign, and what a receipt names. */
function channels() {
  const id = txId(GENESIS_ID, channel(ALICE).tx);
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

/** Shapes from `8x64 4x128`. */
const sizesOf = (text: string) =>
  text.split(' ').map((each) => {
    const [sequences, tokens] = each.split('x').map(Number);
    return { sequences: sequences!, tokens: tokens! };
  });

/** Inputs of models of several shapes: what their sequences need, and prices, offered and named. */
function questions() {
  /** Sequences of `size` bytes, of which so many are not 0. */
  const input = (size: number, ...lengths: number[]): Uint8Array => {
    const bytes = new Uint8Array(lengths.length * size);
    for (const [i, length] of lengths.entries()) bytes.fill(1, i * size, i * size + length);
    return bytes;
  };
  const three = '8x64 4x128 2x256';
  const cases: readonly (readonly [packing: string, shapes: string, input: Uint8Array])[] = [
    ['u16', '8x64', input(128, 128, 4)],
    ['u16', three, input(512, 128)],
    ['u16', three, input(512, 130)],
    ['u16', three, input(512, 256)],
    ['u16', three, input(512, 258)],
    ['u16', three, input(512, 512)],
    ['u16', three, input(512, 20, 140, 7)],
    ['u16', three, input(512, 20, 0)],
    ['u16', three, new Uint8Array()],
    // Of the last token's two bytes the upper one alone is not 0.
    ['u16', '8x64 16x32', input(128, 64, 66).with(192, 0)],
    ['u24', '4x16 4x48 8x48', input(144, 49, 48)],
    ['bytes', '2x32 1x64 4x8', new Uint8Array(64 + 8)],
    ['bytes', '2x32 1x64 4x8', input(33, 33)],
    ['bytes', '3x48 2x20', input(20, 20)],
  ];
  return cases.map(([packing, text, given]) => {
    const shapes = sizesOf(text);
    const prices = [0n, 1n, 100_000n, 2n ** 63n, 2n ** 64n - 1n].map((amount) => ({
      offered: String(amount),
      named: String(
        pricedInput({ type: 'sequence', amount }, { packing, shapes }, given).price.amount,
      ),
    }));
    const needed = shapesOfInput({ packing, shapes }, given);
    return { packing, shapes, input: toHex(given), needed, prices };
  });
}

/** Rows of a pass's answer in each shape, and whether answers keep to 4 MiB. */
function answers() {
  const cases: readonly (readonly [kind: keyof typeof KIND, answerSize: number, shapes: string])[] =
    [
      ['encoder', 384, '8x64 4x128 2x256'],
      ['encoder', 65_535, '16x16 64x16'],
      ['encoder', 65_535, '16x16 65x16'],
      ['classifier', 0, '2x64'],
      ['generator', 576, '1x256 1x512 1x1024 1x2048'],
      ['generator', 2048, '2x1024'],
      ['generator', 2049, '2x1024'],
      ['generator', 512, '1x256 1x8192'],
      ['generator', 512, '1x256 2x8192'],
      ['generator', 512, '2x256 1x8192'],
    ];
  return cases.map(([name, answerSize, text]) => {
    const kind = KIND[name];
    const shapes = sizesOf(text);
    const whole = shapes.map((shape) => ({ ...unitShape(MANIFEST), ...shape }));
    const manifest = { ...MANIFEST, labels: [], kind, answerSize, shapes: whole };
    const rows = shapes.map((shape) => shape.sequences * answerRows({ kind }, shape));
    return { kind, answerSize, shapes, rows, fits: !manifestProblem(manifest) };
  });
}

/** All vectors by file name. */
export const vectors = () => ({
  addresses: addresses(),
  transactions: transactions(),
  headers: headers(),
  difficulty: difficulty(),
  mmr: mmr(),
  tree: tree(),
  state: state(),
  bodies: bodies(),
  channels: channels(),
  questions: questions(),
  answers: answers(),
});

if (import.meta.main) {
  const folder = join(import.meta.dirname, 'core');
  mkdirSync(folder, { recursive: true });
  for (const [name, value] of Object.entries(vectors()))
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(value, null, 2) + '\n');
}
