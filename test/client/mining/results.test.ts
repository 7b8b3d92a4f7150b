import { expect, test } from 'vitest';
import { createResults } from '../../../src/client/mining/results.ts';
import { encode } from '../../../src/core/codec.ts';
import { Claim, OpenRequest } from '../../../src/core/formats.ts';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import { commitmentOf } from '../../../src/core/tx/state-tx.ts';
import { EMPTY_TREE, treeSet } from '../../../src/core/tree/tree.ts';
import { utf8 } from '../../../src/lib/bytes.ts';
import { executionOf, MODEL, person, sign, transfer } from '../../chain/make-blocks.ts';

const [ann, bob, eve] = [person(1), person(2), person(3)];
const id = ZERO_HASH.with(0, 9);
const ran = executionOf(id);
const noise = { ...ran, execution: ZERO_HASH };
const claimBy = (payee: Uint8Array, execution: typeof ran) =>
  encode(Claim, {
    commitment: commitmentOf(id, payee, execution),
    position: { height: 2, index: 0 },
  });
const request = encode(OpenRequest, {
  asker: ann.address,
  modelId: MODEL,
  reward: 1n,
  expiry: 30,
  best: null,
  settle: 0,
  answerHash: ZERO_HASH,
  input: utf8('hi'),
});
const tree = [
  [stateKey.request(id), request] as const,
  [stateKey.claim(id, bob.address), claimBy(bob.address, ran)] as const,
  [stateKey.claim(id, eve.address), claimBy(eve.address, noise)] as const,
].reduce((before, [key, value]) => treeSet(before, key, value), EMPTY_TREE);

const resultOf = (by: typeof ann, answer = ran.answer) =>
  sign(by, 1, { type: 'result', request: id, answer }, 0n);
const payment = transfer(ann, 0, bob, 1n);
const [right, copied, wrong] = [resultOf(bob), resultOf(eve), resultOf(bob, utf8('no'))];

test('a block takes only results that a run here bears out, and one run judges all of a request', async () => {
  let runs = 0;
  const results = createResults(async () => (runs++, ran));
  const waiting = [payment, right, copied, wrong];
  expect(results.verifiedOnly(waiting, tree)).toEqual([payment]);
  expect(results.check(waiting, tree)).toBeUndefined();

  expect(await results.learn(waiting, tree, ZERO_HASH)).toBe(false);
  expect(await results.learn(waiting, tree, MODEL)).toBe(true);
  expect(await results.learn(waiting, tree, MODEL)).toBe(false);
  expect(runs).toBe(1);
  expect(results.verifiedOnly(waiting, tree)).toEqual([payment, right]);
  expect(results.check([payment, right], tree)).toBeUndefined();
  expect(results.check([right, copied], tree)?.fault).toBe('tx.result-commitment');
  expect(results.check([wrong], tree)?.fault).toBe('tx.result-answer');
  // Without its claim's leaf none can be told from a lie.
  expect(results.verifiedOnly([right], undefined)).toEqual([]);
  expect(results.check([copied], undefined)).toBeUndefined();
});

test('what was answered here needs no run; nothing to leave out leaves the array as it is', async () => {
  const results = createResults(async () => Promise.reject(new Error('no model')));
  results.note(id, ran);
  const waiting = [payment, right];
  expect(results.verifiedOnly(waiting, tree)).toBe(waiting);
  expect(await results.learn(waiting, tree, MODEL)).toBe(false);
});

test('a run that fails is tried again', async () => {
  let fails = true;
  const results = createResults(async () => {
    if (fails) throw new Error('busy');
    return ran;
  });
  await expect(results.learn([right], tree, MODEL)).rejects.toThrow('busy');
  fails = false;
  expect(await results.learn([right], tree, MODEL)).toBe(true);
});
