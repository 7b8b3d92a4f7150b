/** Requests that wait for an answer, read from the state's expiry lists, without searching all leaves. */
import { tryDecode } from '../../core/codec.ts';
import { ExpiryList, OpenRequest } from '../../core/formats.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { REQUEST_LIFETIME_MAX } from '../../core/params.ts';
import { MissingNode, treeGet, type Tree } from '../../core/tree/tree.ts';
import { toHex } from '../../lib/bytes.ts';

export interface OpenJob {
  readonly id: Uint8Array;
  readonly hex: string;
  readonly request: OpenRequest;
}

/** Value of a key; undefined also where a partial tree does not open it. */
export function known(tree: Tree, key: Uint8Array): Uint8Array | undefined {
  try {
    return treeGet(tree, key);
  } catch (e) {
    if (e instanceof MissingNode) return undefined;
    throw e;
  }
}

interface Listed {
  readonly id: Uint8Array;
  readonly key: Uint8Array;
}

/**
 * Reads 1440 lists at each head. Trees share the leaves that a block did not change, so that a list decoded
 * before is found again by the leaf's value.
 */
export class OpenRequests {
  readonly #keys = new Map<number, Uint8Array>();
  readonly #lists = new WeakMap<Uint8Array, readonly Listed[]>();
  readonly #requests = new WeakMap<Uint8Array, OpenRequest>();
  #last: { tree: Tree; height: number; jobs: readonly OpenJob[] } | undefined;

  /** Requests that a block at `height + 1` may answer; `tree`: the state after the block at `height`. */
  list(tree: Tree, height: number): readonly OpenJob[] {
    if (this.#last?.tree === tree && this.#last.height === height) return this.#last.jobs;
    const jobs: OpenJob[] = [];
    for (let end = height + 2; end <= height + REQUEST_LIFETIME_MAX; end++)
      for (const { id, key } of this.#listAt(tree, end)) {
        const request = this.#request(known(tree, key));
        if (request && (!request.settle || request.settle > height + 1))
          jobs.push({ id, hex: toHex(id), request });
      }
    for (const end of this.#keys.keys()) if (end < height) this.#keys.delete(end);
    this.#last = { tree, height, jobs };
    return jobs;
  }

  #listAt(tree: Tree, end: number): readonly Listed[] {
    let key = this.#keys.get(end);
    if (!key) this.#keys.set(end, (key = stateKey.expiry(end)));
    const value = known(tree, key);
    if (!value) return [];
    let list = this.#lists.get(value);
    if (!list) {
      const ids = tryDecode(ExpiryList, value) ?? [];
      list = ids.map((id) => ({ id, key: stateKey.request(id) }));
      this.#lists.set(value, list);
    }
    return list;
  }

  #request(value: Uint8Array | undefined): OpenRequest | undefined {
    if (!value) return undefined;
    let request = this.#requests.get(value);
    if (!request && (request = tryDecode(OpenRequest, value))) this.#requests.set(value, request);
    return request;
  }
}
