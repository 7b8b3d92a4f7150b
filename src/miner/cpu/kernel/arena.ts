/** The memory of a kernel and of whoever works beside it: it grows, and what is reserved stays so. */
import { AppError } from '../../../lib/errors.ts';

/** Bytes kept free behind what is reserved, for reads past its end: BLAKE3 hashes four chunks of 1024 bytes at once. */
const SLACK = 4096;
const ALIGNMENT = 64;
const PAGE = 65_536;
/**
 * Room that it gets beyond what is asked for, as a share of its bytes over 8 MiB: each time that it grows detaches all
 * views, and what collects garbage counts the new ones whole.
 */
const roomOf = (bytes: number): number => Math.max(0, bytes - 2 ** 23) / 32;
/** Most bytes: every address is a positive int32, as the kernel's exports return them. */
const BYTES_MAX = 2 ** 31 - PAGE;

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export class Arena {
  readonly #memory: WebAssembly.Memory;
  /** First byte that nobody has reserved. */
  #end: number;

  /** `base`: the first byte that may be reserved. */
  constructor(memory: WebAssembly.Memory, base: number) {
    this.#memory = memory;
    this.#end = align(base);
  }

  /** Address of `bytes` zeros that are the caller's; a multiple of 64. @throws AppError DEVICE_MEMORY */
  reserve(bytes: number): number {
    const at = this.#end;
    const end = at + align(bytes + SLACK);
    this.#growTo(end);
    this.#end = end;
    return at;
  }

  #growTo(bytes: number): void {
    const memory = this.#memory;
    const { byteLength } = memory.buffer;
    if (bytes <= byteLength) return;
    try {
      if (bytes > BYTES_MAX) throw new RangeError(`${bytes} is over ${BYTES_MAX}`);
      const wanted = Math.min(BYTES_MAX, bytes + roomOf(bytes));
      memory.grow(Math.ceil((wanted - byteLength) / PAGE));
    } catch (cause) {
      throw new AppError('DEVICE_MEMORY', `${bytes} bytes for the kernels`, { cause });
    }
  }
}
