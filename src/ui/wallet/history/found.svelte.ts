/** Blocks that pay the account in use, as far as they were read: newest first, page by page. */
import type { Balance, ClientApi, Income } from '../../../client/api.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Problem } from '../../session.svelte.ts';

const PAGE = 20;
/** Blocks that a page keeps. */
export const FOUND_MAX = 20_000;

/** The newest page with the older ones that were read before. Pure. */
export function joinFound(newest: Income, known: Income | undefined): Income {
  const { next } = newest;
  if (!known || next === undefined) return newest;
  const [top] = known.blocks;
  // Between the two nothing is known: the older ones are read again.
  if (!top || top.height < next) return newest;
  const older = known.blocks.filter(({ height }) => height <= next);
  return { blocks: [...newest.blocks, ...older].slice(0, FOUND_MAX), next: known.next };
}

export class FoundBlocks {
  income = $state.raw<Income>();
  problem = $state.raw<Problem>();
  readonly #peer: Pick<ClientApi, 'income'>;
  #of: Uint8Array | undefined;
  #seen = '';

  constructor(peer: Pick<ClientApi, 'income'>) {
    this.#peer = peer;
  }

  /** With a balance that was proven anew: reads on where something has changed it. */
  async follow({ address, spendable, immature, txCount }: Balance): Promise<void> {
    const seen = [address, spendable, immature, txCount].join();
    if (seen === this.#seen) return;
    this.#seen = seen;
    if (this.#of?.toString() !== address.toString()) this.income = undefined;
    this.#of = address;
    await this.#read(address, async () =>
      joinFound(await this.#peer.income(address, PAGE), this.income),
    );
  }

  /** The chain changed: all is read again. */
  forget(): void {
    this.income = undefined;
    this.#seen = '';
  }

  async older(): Promise<void> {
    const [address, known] = [this.#of, this.income];
    if (!address || known?.next === undefined) return;
    const { next } = known;
    await this.#read(address, async () => {
      const page = await this.#peer.income(address, PAGE, next);
      const blocks = [...known.blocks, ...page.blocks].slice(0, FOUND_MAX);
      return { blocks, next: blocks.length < FOUND_MAX ? page.next : undefined };
    });
  }

  async #read(address: Uint8Array, read: () => Promise<Income>): Promise<void> {
    const before = this.income;
    try {
      const income = await read();
      // Another account, or a newer page, came first.
      if (this.#of === address && this.income === before) this.income = income;
      this.problem = undefined;
    } catch (error) {
      this.problem = AppError.from(error).toJSON();
    }
  }
}
