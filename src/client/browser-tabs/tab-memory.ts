/** The calls of a tab that must be repeated to the next engine, which knows nothing of them. */
import { BoundedMap } from '../../lib/bounded.ts';
import { toHex } from '../../lib/bytes.ts';
import { WATCHED_MAX, type Provided } from '../api.ts';
import type { Call, Method } from './tab-engine.ts';
import type { MiningIntent } from './tab-messages.ts';

export class TabMemory {
  /** What the leader last announced to be mined. */
  mining: MiningIntent | undefined;
  readonly #watched = new BoundedMap<string, Uint8Array>(WATCHED_MAX);
  #payTo: Uint8Array | undefined;
  #provided: Provided | undefined;
  #duty: number | undefined;

  /** Notes a call of this tab that has succeeded. */
  note(method: Method, [first]: unknown[]): void {
    const bytes = first as Uint8Array;
    if (method === 'watch') this.#watched.set(toHex(bytes), bytes);
    else if (method === 'unwatch') this.#watched.delete(toHex(bytes));
    else if (method === 'payTo') this.#payTo = bytes;
    else if (method === 'provide') this.#provided = first as Provided | undefined;
    else if (method === 'throttleMining') this.#duty = first as number;
  }

  /** Makes the calls to a new engine; one that fails is left out. */
  async replay(call: Call): Promise<void> {
    for (const [method, args] of this.#calls()) await call(method, args).catch(() => undefined);
  }

  /** The payee's address first: it must have its place among the followed addresses. */
  #calls(): [Method, unknown[]][] {
    const calls: [Method, unknown[]][] = [];
    if (this.#payTo) calls.push(['payTo', [this.#payTo]]);
    for (const [, address] of this.#watched) calls.push(['watch', [address]]);
    if (this.#duty !== undefined) calls.push(['throttleMining', [this.#duty]]);
    if (this.#provided) calls.push(['provide', [this.#provided]]);
    return calls;
  }
}
