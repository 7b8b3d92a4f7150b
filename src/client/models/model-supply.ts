/** Gives the miner's worker each package once, before the first call that needs it, and removes it again. */
import { fromHex, toHex } from '../../lib/bytes.ts';
import { transfer, type RpcClient } from '../../lib/rpc.ts';
import type { MinerApi, MinerEvents } from '../../miner/engine/miner-api.ts';
import { passFiles } from '../../miner/package/parts.ts';
import type { WholePackage } from './package-store.ts';

type Miner = Pick<RpcClient<MinerApi, MinerEvents>, 'provide' | 'release'>;

export class ModelSupply {
  /** Loads a package; undefined where the miner has models of its own (simulations). */
  readonly #load: ((id: string) => Promise<WholePackage>) | undefined;
  /** The newest worker: one that died has lost its packages. */
  #miner: Miner | undefined;
  #given = new Map<string, Promise<void>>();
  /** Those of `#given` that the worker has. */
  #arrived = new Set<string>();
  /** Packages that the worker is releasing. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(load: ((id: string) => Promise<WholePackage>) | undefined) {
    this.#load = load;
  }

  /** @throws AppError MODEL_MISSING and the others of fetching, MODEL_CORRUPT, MODEL_REFUSED */
  give(miner: Miner, modelId: Uint8Array): Promise<void> {
    const load = this.#load;
    if (!load) return Promise.resolve();
    if (this.#miner !== miner) {
      this.#given = new Map();
      this.#arrived = new Set();
    }
    this.#miner = miner;
    const [given, arrived] = [this.#given, this.#arrived];
    const id = toHex(modelId);
    let giving = given.get(id);
    if (!giving) {
      giving = this.#provide(miner, id, load);
      given.set(id, giving);
      const mine = giving;
      giving.then(
        () => given.get(id) === mine && arrived.add(id),
        () => given.delete(id),
      );
    }
    return giving;
  }

  async #provide(miner: Miner, id: string, load: (id: string) => Promise<WholePackage>) {
    await this.#leaving.get(id);
    const { manifest, files } = await load(id);
    // The worker has no use for the tokenizer; generation.json comes after it.
    const passes = passFiles(manifest).length;
    const own = [...files.slice(0, passes), ...(manifest.template ? [files.at(-1)!] : [])];
    const buffers = own.map((file) => file.buffer as ArrayBuffer);
    await miner.provide(manifest, transfer(own, buffers));
  }

  /** Whether this worker has the package, or is about to. */
  has(miner: Miner, modelId: Uint8Array): boolean {
    return !this.#load || (this.#miner === miner && this.#given.has(toHex(modelId)));
  }

  /** Whether this worker has the package now. */
  holds(miner: Miner, modelId: Uint8Array): boolean {
    return !this.#load || (this.#miner === miner && this.#arrived.has(toHex(modelId)));
  }

  /** Removes a package from the worker's memory. The next call that needs it loads it again. */
  async forget(id: string): Promise<void> {
    const [miner, giving] = [this.#miner, this.#given.get(id)];
    if (!giving || !miner) return;
    this.#given.delete(id);
    this.#arrived.delete(id);
    // The worker keeps the package when it mines with it; a worker that died holds nothing.
    const leaving = giving.then(() => miner.release(fromHex(id)!)).catch(() => undefined);
    this.#leaving.set(id, leaving);
    await leaving;
    this.#leaving.delete(id);
  }

  /** Removes all other packages. */
  async keepOnly(ids: readonly Uint8Array[]): Promise<void> {
    const kept = new Set(ids.map(toHex));
    const others = [...this.#given.keys()].filter((id) => !kept.has(id));
    await Promise.all(others.map((id) => this.forget(id)));
  }
}
