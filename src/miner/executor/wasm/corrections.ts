/**
 * Programs without the corrections of quotients that the processor rounds right.
 *
 * The checker lets a Div in whose result may be 2.5 ULP off, so a large quotient's floor is corrected:
 * q + ⌊(x − q·y)/y⌋. Here a division is rounded to the nearest float32. Let x be X parts of 2^−b, X odd and b ≥ 1, and
 * y whole: x/y is at least 1/(2^b·y) away from every whole number n. A rounded x/y does not pass n; to reach it from
 * below it must be within half an ULP, n·2^−24, so X > 2^24 − 2. The floor of x·(1/y), which two roundings make, may
 * be wrong from X = 2^23 on. Below these bounds q is right, x − q·y is in (0, y), and the correction 0.
 */
import { argsOf } from '../schedule.ts';
import type { RowProgram, RowValue } from '../types.ts';

export function withoutCorrections(program: RowProgram): RowProgram {
  const { values, outputs } = program;
  /** Which value is this one. */
  const same = values.map((_, i) => correctedOf(values, i) ?? i);
  if (same.every((to, i) => to === i)) return program;
  const isRead = new Array<boolean>(values.length).fill(false);
  for (const { value } of outputs) isRead[same[value]!] = true;
  for (let i = values.length - 1; i >= 0; i--)
    if (isRead[i]) for (const a of argsOf(values[i]!)) isRead[same[a]!] = true;
  const place: number[] = [];
  let kept = 0;
  for (const [i, read] of isRead.entries()) place[i] = read ? kept++ : -1;
  const at = (i: number): number => place[same[i]!]!;
  return {
    ...program,
    values: values.flatMap((v, i) =>
      isRead[i] ? [('args' in v ? { ...v, args: v.args.map(at) } : v) as RowValue] : [],
    ),
    outputs: outputs.map(({ value, unclipped, ...output }) => ({
      ...output,
      value: at(value),
      ...(unclipped !== undefined && { unclipped: at(unclipped) }),
    })),
  };
}

/** q of a value q + ⌊(x − q·y)/y⌋, where q = ⌊x/y⌋ is right as it is. */
function correctedOf(values: readonly RowValue[], at: number): number | undefined {
  const args = (i: number, op: RowValue['op']): readonly number[] =>
    values[i]!.op === op ? argsOf(values[i]!) : [];
  const isEqual = (found: readonly number[], a: number, b: number): boolean =>
    (found[0] === a && found[1] === b) || (found[0] === b && found[1] === a);
  const isCorrection = (q: number, more: number): boolean => {
    const [by] = args(q, 'floor');
    const [again] = args(more, 'floor');
    if (by === undefined || again === undefined) return false;
    const quotient = values[by]!;
    if (quotient.op !== 'quotient' || quotient.parts === undefined) return false;
    const [x, y] = quotient.args;
    const [rest, divisor] = args(again, 'quotient');
    if (rest === undefined || divisor !== y) return false;
    const [from, back] = args(rest, 'sub');
    return from === x && back !== undefined && isEqual(args(back, 'mul'), q, y);
  };
  const [a, b] = args(at, 'add');
  if (a === undefined || b === undefined) return undefined;
  if (isCorrection(a, b)) return a;
  return isCorrection(b, a) ? b : undefined;
}
