/** Importing proofs of work, with the bodies that come with them, and choosing which to ask for. */
import { decode, encode, u32 } from '../../core/codec.ts';
import { fault, type Fault } from '../../core/faults.ts';
import { Proof, type Body, type Header } from '../../core/formats.ts';
import { modelAt } from '../../core/header/tables.ts';
import { verifyBody } from '../../core/tx/body.ts';
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import type { VerifyProof } from '../shared/verify-proof.ts';
import type { Put } from '../store/store.ts';
import { needsAudit } from './audit.ts';
import { bodyPuts, type WantedProof } from './blocks.ts';
import { dropBranch, selectHead, unmoved, type Changed } from './head.ts';
import { entryAt } from './headers.ts';
import type { LightMemory } from './memory/memory.ts';
import { unproven } from './memory/paths.ts';
import { Checked, lightKey } from './records.ts';

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
  if (isProofNew) {
    const model = modelAt(params, header.model, height);
    const manifest = model === undefined ? undefined : models.get(model);
    if (!manifest) return unmoved(fault('header.model', { height, model: header.model }));
    const wrong = verifyProof(params, header, proof, manifest);
    if (wrong) {
      await dropLone(memory, id);
      return unmoved(wrong);
    }
  }
  const wrongBody = body && verifyBody(params.rules, { header, body });
  if (wrongBody) return unmoved(wrongBody);

  const { model } = header;
  const checked = { height, model, linear: proof.linear, tile: proof.tile };
  await store.batch([
    ...(isBodyNew ? bodyPuts(memory, { id, height }, body) : []),
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

/** Header of a block on any branch: proofs are asked for near a tip, in an audit, and to keep them for others. */
async function findHeader(memory: LightMemory, id: Uint8Array): Promise<Header | undefined> {
  const { branches, store } = memory;
  for (const path of branches.paths)
    for (const point of path.recent.values()) if (equal(point.id, id)) return point.header;

  const data = await store.get(lightKey.height(id));
  const height = data && decode(u32, data);
  for (const path of height === undefined ? [] : branches.paths) {
    if (height! > path.tip.header.height) continue;
    const entry = await entryAt(store, path, height!);
    if (equal(entry.id, id)) return entry.header;
  }
  return undefined;
}

/** Drops a branch of one header whose proof failed: headers cost nothing, and must not fill the memory. */
async function dropLone(memory: LightMemory, id: Uint8Array): Promise<void> {
  const { branches } = memory;
  const path = branches.paths.find(({ tip }) => equal(tip.id, id));
  if (path && path.tip.header.height === branches.forkOf(path) + 1) await dropBranch(memory, id);
}

/**
 * Proofs to ask for: of branches that claim to be the head, or of the one alone that holds this block. A deep
 * branch whose audit is not drawn yet has none: its headers are still coming.
 */
export function wantedProofs({ branches, kept }: LightMemory, of?: Uint8Array): WantedProof[] {
  const only = of && branches.holding(of);
  const paths = of ? (only ? [only] : []) : branches.paths;
  const wanted = new Map<string, WantedProof>();
  const byWork = paths
    .filter((path) => branches.claimsHead(path) && !needsAudit(path, branches.forkOf(path)))
    .sort((a, b) => (b.tip.header.totalWork > a.tip.header.totalWork ? 1 : -1))
    .map((path) => unproven(path, branches.forkOf(path), kept.isChecked));
  // Branches take turns: one that nobody can prove must not keep the others' proofs from being asked for.
  for (let i = 0; byWork.some((list) => i < list.length); i++)
    for (const { id, height } of byWork.flatMap((list) => list[i] ?? []))
      wanted.set(id, { id: fromHex(id, 32)!, height });
  return [...wanted.values()];
}
