/** Importing proofs of work, with the bodies that come with them, and choosing which to ask for. */
import { encode } from '../../core/codec.ts';
import { fault, type Fault } from '../../core/faults.ts';
import { Proof, type Body, type Header } from '../../core/formats.ts';
import { bodyRoot } from '../../core/tx/body.ts';
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import type { VerifyProof } from '../shared/verify-proof.ts';
import type { Put } from '../store/store.ts';
import { auditDeep } from './audit.ts';
import { bodyPuts, type WantedProof } from './blocks.ts';
import { dropBranch, selectHead, unmoved, type Changed } from './head.ts';
import { entryAt, headEntry, heightOf } from './headers.ts';
import type { LightMemory } from './memory/memory.ts';
import { unproven } from './memory/paths.ts';
import { Checked, lightKey, Sample } from './records.ts';
import { sampleHeights } from './sample.ts';

export interface GivenProof {
  readonly id: Uint8Array;
  readonly proof: Proof;
  /** Kept with the proof, so that both can be given to others. */
  readonly body: Body | undefined;
}

/** Proof and body of a block that was asked for. */
export async function importProof(
  memory: LightMemory,
  verifyProof: VerifyProof,
  { id, proof, body }: GivenProof,
): Promise<Changed<Fault | undefined>> {
  const { kept, models, params, store } = memory;
  const isProofNew = !kept.isChecked(toHex(id));
  const isBodyNew = body !== undefined && !kept.hasBody(id);
  if (!isProofNew && !isBodyNew) return unmoved(undefined);

  const header = await findHeader(memory, id);
  if (!header) return unmoved(fault('sync.unplaced', { id: toHex(id) }));
  const { height } = header;
  if (body && !equal(bodyRoot(body), header.bodyRoot))
    return unmoved(fault('body.root', { height }));

  if (isProofNew) {
    const manifest = models.get(toHex(header.modelId));
    if (!manifest) return unmoved(fault('header.model', { modelId: toHex(header.modelId) }));
    const wrong = verifyProof(params, header, proof, manifest);
    if (wrong) {
      await dropLone(memory, id);
      return unmoved(wrong);
    }
  }

  const checked = { height, linear: proof.linear };
  await store.batch([
    ...(isBodyNew ? bodyPuts(id, height, body) : []),
    ...(isProofNew ? proofPuts(id, proof, checked) : []),
  ]);
  if (isProofNew) kept.addChecked(id, checked);
  if (isBodyNew) kept.addBody(id, height);
  return { result: undefined, moved: await selectHead(memory) };
}

const proofPuts = (id: Uint8Array, proof: Proof, checked: Checked): Put[] => [
  { key: lightKey.proof(id), value: encode(Proof, proof) },
  { key: lightKey.checked(id), value: encode(Checked, checked) },
];

/** Header of a block whose proof can matter: near a tip, in an audit, or on the head's chain. */
async function findHeader(memory: LightMemory, id: Uint8Array): Promise<Header | undefined> {
  const { branches, store } = memory;
  for (const path of branches.paths)
    for (const point of path.recent.values()) if (equal(point.id, id)) return point.header;

  for (const path of branches.paths) {
    const audited = path.audit?.blocks.find((one) => one.id === toHex(id));
    if (audited) return (await entryAt(store, path, audited.height)).header;
  }

  // A block of the sample, or one that is kept for other peers.
  const height = await heightOf(memory, id);
  return height === undefined ? undefined : (await headEntry(memory, height)).header;
}

/** Drops a branch of one header whose proof failed: headers cost nothing, and must not fill the memory. */
async function dropLone(memory: LightMemory, id: Uint8Array): Promise<void> {
  const { branches } = memory;
  const path = branches.paths.find(({ tip }) => equal(tip.id, id));
  if (path && path.tip.header.height === branches.forkOf(path) + 1) await dropBranch(memory, id);
}

/** Proofs to ask for: of branches with more work than the head, then of the sample. */
export function wantedProofs({ branches, kept }: LightMemory): WantedProof[] {
  const wanted = new Map<string, WantedProof>();
  const byWork = branches.paths
    .filter((path) => branches.claimsMore(path))
    .sort((a, b) => (b.tip.header.totalWork > a.tip.header.totalWork ? 1 : -1))
    .map((path) => unproven(path, branches.forkOf(path), kept.isChecked));
  // Branches take turns: one that nobody can prove must not keep the others' proofs from being asked for.
  for (let i = 0; byWork.some((list) => i < list.length); i++)
    for (const { id, height } of byWork.flatMap((list) => list[i] ?? []))
      wanted.set(id, { id: fromHex(id, 32)!, height });

  for (const one of kept.sample) if (!kept.isChecked(toHex(one.id))) wanted.set(toHex(one.id), one);
  return [...wanted.values()];
}

/** Draws the sample, and the audits that branches need. @returns how many blocks are in the sample */
export async function chooseSample(
  memory: LightMemory,
  random: readonly number[],
): Promise<number> {
  await auditDeep(memory);
  const sample: Sample = [];
  for (const height of sampleHeights(memory.branches.headHeight, random))
    sample.push({ height, id: (await headEntry(memory, height)).id });
  await memory.store.batch([{ key: lightKey.sample, value: encode(Sample, sample) }]);
  memory.kept.setSample(sample);
  return sample.length;
}
