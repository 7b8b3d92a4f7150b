/** Inputs of a float encoder, by name: ids from all over the vocabulary, nothing left out. Sequences × tokens. */
export function encoderInputs(
  [sequences, tokens]: readonly [number, number],
  vocabulary: number,
): Readonly<Record<'input_ids' | 'attention_mask' | 'token_type_ids', BigInt64Array>> {
  const ids = (of: (i: number) => number) =>
    BigInt64Array.from({ length: sequences * tokens }, (_, i) => BigInt(of(i)));
  return {
    input_ids: ids((i) => 1 + ((i * 37) % (vocabulary - 1))),
    attention_mask: ids(() => 1),
    token_type_ids: ids(() => 0),
  };
}
