/** The next block's template: what a miner works on, the same for both chains. */
import { bodyOf, bodyRoot } from '../../core/tx/body.ts';
import type { Body, HeaderCore, SignedTx } from '../../core/formats.ts';
import { templateCore, type ChainPoint, type Task } from '../../core/header/header.ts';
import { modelIndex } from '../../core/header/tables.ts';
import { targetOf } from '../../core/header/target.ts';
import type { Params } from '../../core/params.ts';
import type { StateContext } from '../../core/tx/state-tx.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { toHex } from '../../lib/bytes.ts';
import { assert } from '../../lib/errors.ts';
import { chooseBody } from './choose-body.ts';

export interface TemplateOptions {
  /** Address that is paid. */
  readonly miner: Uint8Array;
  /** A model that may be mined in the next block. */
  readonly modelId: Uint8Array;
  readonly nowMs: number;
}

export interface Template extends Task {
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

  return ({ parent, tree, stateRoot, context }, candidates, { miner, modelId, nowMs }) => {
    const { header } = parent;
    const key = [toHex(parent.id), tree !== undefined].join();
    const { revision } = candidates;
    if (last?.key !== key || last.revision !== revision) {
      const height = header.height + 1;
      const body = tree
        ? chooseBody(params, context, { tree, height }, candidates.list())
        : bodyOf();
      last = { key, revision, body };
    }
    const { body } = last;

    const timeMs = Math.max(nowMs, header.time + 1);
    const model = modelIndex(params, toHex(modelId), header.height + 1);
    assert(model >= 0, 'the model may be mined in the next block');
    const fields = { timeMs, miner, model, bodyRoot: bodyRoot(body), stateRoot };
    const core = templateCore(params, parent, fields);
    return { core, body, modelId, target: targetOf(params, core) };
  };
}
