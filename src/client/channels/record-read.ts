/** How a record of either end holds the tokens of an input that are paid for apart. */
import { u32, type Codec } from '../../core/codec.ts';
import type { Price } from '../../core/price.ts';

/**
 * `read` between the fields of `head` and `tail`, where tokens are paid for. It is 0 elsewhere and not written: so
 * records from before language models were answered, which know none, are read as they are.
 */
export const withRead = <H extends object, T extends object>(
  head: Codec<H>,
  tail: Codec<T>,
  priceOf: (head: H) => Price,
): Codec<H & { readonly read: number } & T> => ({
  write(w, value) {
    head.write(w, value);
    if (priceOf(value).type === 'tokens') u32.write(w, value.read);
    tail.write(w, value);
  },
  read(r) {
    const before = head.read(r);
    const read = priceOf(before).type === 'tokens' ? u32.read(r) : 0;
    return { ...before, read, ...tail.read(r) };
  },
});
