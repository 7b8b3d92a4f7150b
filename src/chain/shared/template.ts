/** The next block's template: what a miner works on, the same for both chains. */
import { bodyRoot } from '../../core/tx/body.ts';
import type { Body, HeaderCore, SignedTx } from '../../core/formats.ts';
import { ZERO_HASH } from '../../core/hash.ts';
import { expectedBits, templateCore, type ChainPoint } from '../../core/header/header.ts';
import type { Params } from '../../core/params.ts';
import { verifyJob } from '../../core/state.ts';
import type { StateContext } from '../../core/tx/state-tx.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { toHex } from '../../lib/bytes.ts';
import { chooseBody } from './choose-body.ts';

export interface TemplateOptions {
  /** Address that is paid. */
  readonly miner: Uint8Array;
  readonly modelId: Uint8Array;
  /** An open request for the model. */
  readonly jobId?: Uint8Array;
  readonly nowMs: number;
}

export interface Template {
  readonly core: HeaderCore;
  readonly body: Body;
}

/** What a template builds on. */
export interface TemplateBase {
  readonly parent: ChainPoint;
  /** State after the parent, whole or partial; undefined when only its root is known: the body is empty. */
  readonly tree: Tree | undefined;
  readonly stateRoot: Uint8Array;
  readonly context: StateContext;
}

export interface Candidates {
  /** Another value whenever the list is another. */
  readonly revision: unknown;
  /** Best first; those that are not valid on the state are left out. */
  list(): Iterable<SignedTx>;
}

export type MakeTemplate = (
  base: TemplateBase,
  candidates: Candidates,
  options: TemplateOptions,
) => Template;

/**
 * @returns what makes templates. It chooses a body again only when the parent or the candidates have
 * changed: a miner asks before each unit.
 */
export function createTemplates(params: Params): MakeTemplate {
  let last: { key: string; revision: unknown; body: Body } | undefined;

  return ({ parent, tree, stateRoot, context }, candidates, { miner, modelId, ...wanted }) => {
    const timeMs = Math.max(wanted.nowMs, parent.header.time + 1);
    const height = parent.header.height + 1;
    const bits = expectedBits(params, parent, timeMs);

    // A request that has ended is no job any more, and one that can't be looked up is none yet.
    const isOpen =
      tree && wanted.jobId && !verifyJob(tree, { height, modelId, jobId: wanted.jobId });
    const jobId = isOpen ? wanted.jobId! : ZERO_HASH;

    // The bits bound the results; with a re-anchor they change under one parent.
    const key = [...[parent.id, modelId, jobId].map(toHex), bits, tree !== undefined].join();
    const { revision } = candidates;
    if (last?.key !== key || last.revision !== revision) {
      const header = { height, miner, bits, modelId, jobId };
      const body = tree ? chooseBody(params, context, { tree, header }, candidates.list()) : [];
      last = { key, revision, body };
    }
    const { body } = last;

    const fields = { timeMs, miner, modelId, jobId, bodyRoot: bodyRoot(body), stateRoot };
    return { core: templateCore(params, parent, fields), body };
  };
}
