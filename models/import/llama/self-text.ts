/** Calibration text that the float model writes itself: no foreign text is needed, and what it writes is what it is used on. */
import { plainHash } from '../../../src/core/hash.ts';
import { concat, u32, utf8 } from '../../../src/lib/bytes.ts';
import { Chooser } from '../../../src/miner/generator/choice.ts';
import { optionsOf, type Choosing } from '../../../src/miner/generator/options.ts';
import { Past, type FloatDecoder } from './float.ts';

/** Logits are chosen from as whole numbers of so many steps a nat. */
const STEPS_PER_NAT = 1024;

export interface SelfText {
  /** What each sequence begins with: one token or more. */
  readonly beginnings: readonly Uint32Array[];
  /** Length of each sequence, its beginning included. */
  readonly tokens: number;
  readonly choosing: Omit<Choosing, 'maxTokens'>;
  /** Sequences of other names have other seeds. */
  readonly name: string;
}

/**
 * Sequences of `tokens` tokens each; a token that ends an answer ends none of them. A sequence does not depend on the
 * others but by its place among them, which its seed follows from.
 */
export function selfWritten(decoder: FloatDecoder, text: SelfText): Uint32Array<ArrayBuffer>[] {
  const { hidden, vocabulary } = decoder.model.config;
  const chooser = new Chooser(STEPS_PER_NAT, vocabulary);
  const sequences = text.beginnings.map((ids, i) => ({
    ids: [...ids],
    // Of what is not yet known to the model.
    next: ids,
    past: new Past(),
    options: optionsOf(
      { ...text.choosing, maxTokens: text.tokens },
      { seed: plainHash(concat(utf8(text.name), u32(i))) },
    ),
  }));
  for (;;) {
    const open = sequences.filter(({ ids }) => ids.length < text.tokens);
    if (!open.length) return sequences.map(({ ids }) => Uint32Array.from(ids));
    const x = decoder.forward(open.map(({ next: ids, past }) => ({ ids, past, keep: true })));
    let row = -1;
    for (const sequence of open) {
      row += sequence.next.length;
      const logits = decoder.logits(x.subarray(row * hidden, (row + 1) * hidden));
      const whole = Float64Array.from(logits, (v) => Math.round(v * STEPS_PER_NAT));
      const moment = { place: sequence.ids.length, seen: new Set(sequence.ids) };
      const id = chooser.choose(whole, sequence.options, moment);
      sequence.ids.push(id);
      sequence.next = Uint32Array.of(id);
    }
  }
}
