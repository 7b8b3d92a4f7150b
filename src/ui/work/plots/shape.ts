/** Paths of a plot in px: hairlines and engraving, no fills. Pure. */
export interface PlotPoint {
  /** Along the axis, any unit. */
  readonly x: number;
  readonly y: number;
}
export interface Box {
  readonly width: number;
  readonly height: number;
  /** Value at the upper edge; the lower one is 0. */
  readonly top: number;
}

/** px between engraved lines. */
const ENGRAVING = 5;
const n = (x: number): string => String(Math.round(x * 10) / 10);

/** The next of 1, 2, 2.5, 5, 10 above the greatest value: an axis that can be read. */
export function topOf(values: readonly number[]): number {
  const most = Math.max(0, ...values);
  if (most === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((m) => m * power >= most * 1.02) ?? 15) * power;
}

/** Places of points, from the first x at the left edge to the last at the right one. */
export function placesOf(points: readonly PlotPoint[], box: Box): PlotPoint[] {
  const [first, last] = [points[0]?.x ?? 0, points.at(-1)?.x ?? 0];
  const span = last - first || 1;
  return points.map(({ x, y }) => ({
    x: ((x - first) / span) * box.width,
    y: box.height * (1 - Math.min(1, y / box.top)),
  }));
}

export const lineOf = (places: readonly PlotPoint[]): string =>
  places.map(({ x, y }, i) => `${i ? 'L' : 'M'}${n(x)} ${n(y)}`).join('');

/** Upright engraved lines under the line, a little below it. */
export function engravingOf(places: readonly PlotPoint[], box: Box): string {
  let path = '';
  let next = 0;
  for (let x = ENGRAVING; x < box.width; x += ENGRAVING) {
    while (next < places.length - 1 && places[next]!.x < x) next++;
    const [a, b] = [places[Math.max(0, next - 1)]!, places[next]!];
    const share = b.x > a.x ? (x - a.x) / (b.x - a.x) : 0;
    const y = a.y + (b.y - a.y) * share + 3;
    if (y < box.height) path += `M${n(x)} ${n(y)}V${n(box.height)}`;
  }
  return path;
}

/** Outlines of bars side by side, and level engraved lines in them. */
export function barsOf(values: readonly number[], box: Box): { outline: string; lines: string } {
  const step = box.width / values.length;
  const inset = Math.min(3, step / 6);
  let [outline, lines] = ['', ''];
  values.forEach((value, i) => {
    if (value <= 0) return;
    const [left, right] = [n(i * step + inset), n((i + 1) * step - inset)];
    const top = box.height * (1 - Math.min(1, value / box.top));
    outline += `M${left} ${n(box.height)}V${n(top)}H${right}V${n(box.height)}`;
    for (let y = box.height - 3; y > top + 1; y -= 3) lines += `M${left} ${n(y)}H${right}`;
  });
  return { outline, lines };
}
