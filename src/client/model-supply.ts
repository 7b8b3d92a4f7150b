/** Gives a miner worker each package once, before the first call that needs it. */
import { toHex } from '../lib/bytes.ts';
import { transfer, type Client } from '../lib/rpc.ts';
import type { MinerApi, MinerEvents } from '../miner/miner-api.ts';
import type { WholePackage } from './packages.ts';

type Miner = Pick<Client<MinerApi, MinerEvents>, 'provide'>;

export class ModelSupply {
  /** Undefined where the miner has models of its own (simulations). */
  readonly #load: ((id: string) => Promise<WholePackage>) | undefined;
  /** Of the newest miner: one that died has lost them. */
  #miner: Miner | undefined;
  #given = new Map<string, Promise<void>>();

  constructor(load: ((id: string) => Promise<WholePackage>) | undefined) {
    this.#load = load;
  }

  /** @throws AppError MODEL_MISSING and the others of fetching, MODEL_CORRUPT, MODEL_REFUSED */
  give(miner: Miner, modelId: Uint8Array): Promise<void> {
    const load = this.#load;
    if (!load) return Promise.resolve();
    if (this.#miner !== miner) this.#given = new Map();
    this.#miner = miner;
    const given = this.#given;
    const id = toHex(modelId);
    let giving = given.get(id);
    if (!giving) {
      giving = load(id).then(({ manifest, files }) => {
        // A miner has no use for the tokenizer.
        const own = files.slice(0, manifest.segments.length + manifest.linears.length);
        const buffers = own.map((file) => file.buffer as ArrayBuffer);
        return miner.provide(manifest, transfer(own, buffers));
      });
      given.set(id, giving);
      giving.catch(() => given.delete(id));
    }
    return giving;
  }

  /** Whether this miner has it, or is about to. */
  has(miner: Miner, modelId: Uint8Array): boolean {
    return !this.#load || (this.#miner === miner && this.#given.has(toHex(modelId)));
  }

  /** The next start fetches it again. */
  forget(id: string): void {
    this.#given.delete(id);
  }
}
