/** Bounds from below that the proof of causality and what a plan leaves out have in common. */

function leastOf(numbers: ArrayLike<number>): number {
  let least = Infinity;
  for (let i = 0; i < numbers.length; i++) least = Math.min(least, numbers[i]!);
  return least;
}

/**
 * The least result of an operator that does not fall where its operand rises; undefined: of another operator.
 * @param op by its ONNX name in lower case, or `copy`
 * @param least of the operand
 * @param constants the other operands, in their order
 */
export function leastAfter(
  op: string,
  least: number,
  constants: readonly ArrayLike<number>[],
): number | undefined {
  const [low = 0, high = 0] = constants.map(leastOf);
  switch (op) {
    case 'floor':
      return Math.floor(least);
    case 'copy':
    case 'cast':
      return least;
    case 'add':
      return least + low;
    case 'mul':
      return low > 0 && least >= 0 ? least * low : undefined;
    case 'min':
      return Math.min(least, low);
    case 'max':
      return Math.max(least, low);
    case 'clip':
      return Math.min(Math.max(least, low), high);
    default:
      return undefined;
  }
}
