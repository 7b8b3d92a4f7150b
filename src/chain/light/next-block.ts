/** The next block of a light client: what its template reads, and the template. */
import type { SignedTx } from '../../core/formats.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { treeRoot } from '../../core/tree/tree.ts';
import type { MakeTemplate, Template, TemplateOptions } from '../shared/template.ts';
import { headerAt } from './headers.ts';
import type { LightMemory } from './memory/memory.ts';
import { contextOf } from './run-block.ts';
import { rootAfter, stateAfter } from './state.ts';

export interface LightTemplateOptions extends TemplateOptions {
  /**
   * Candidates in order; those that the known part of the state refuses or can't judge are left out.
   * The same array again gives the same body: a miner asks before each unit.
   */
  readonly txs: readonly SignedTx[];
}

/** Keys that every template reads after the head, but for what its list of channels leads to. */
export async function templateKeys(memory: LightMemory): Promise<Uint8Array[]> {
  const next = memory.branches.headHeight + 1;
  const matured = next - memory.params.maturityBlocks;
  const maturing = await headerAt(memory, matured);
  return [
    stateKey.coinbase(Math.max(0, matured)),
    stateKey.channelsEnding(next),
    ...(maturing ? [stateKey.account(maturing.miner)] : []),
  ];
}

/** undefined while the state after the head is not known. */
export function templateFor(
  memory: LightMemory,
  make: MakeTemplate,
  { txs, ...wanted }: LightTemplateOptions,
): Template | undefined {
  const { branches } = memory;
  const parent = branches.head;
  const tree = stateAfter(memory, parent.id);
  const stateRoot = tree ? treeRoot(tree) : rootAfter(memory, parent.id);
  if (!stateRoot) return undefined;

  const context = contextOf(memory);
  return make({ parent, tree, stateRoot, context }, { revision: txs, list: () => txs }, wanted);
}
