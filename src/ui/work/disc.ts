/** Paths of the engraved discs: seen a little from above, light from the left. Pure. */
export interface Disc {
  /** Half widths of the ellipse, px. */
  readonly rx: number;
  readonly ry: number;
  /** Thickness, px. */
  readonly h: number;
}

const n = (x: number): string => String(Math.round(x * 100) / 100);

/** Rim and face as one outline; (0, 0) is the middle of the upper face. */
export const outlineOf = ({ rx, ry, h }: Disc): string =>
  `M${-rx} 0A${rx} ${ry} 0 0 1 ${rx} 0V${h}A${rx} ${ry} 0 0 1 ${-rx} ${h}Z`;

/** The front edge of the upper face. */
export const edgeOf = ({ rx, ry }: Disc): string => `M${-rx} 0A${rx} ${ry} 0 0 0 ${rx} 0`;

/** Slanted lines all over the rim: a disc of another kind, without another colour. */
export function hatchOf({ rx, ry, h }: Disc): string {
  const front = (x: number) => ry * Math.sqrt(Math.max(0, 1 - (x / rx) ** 2));
  let path = '';
  for (let x = 4 - rx; x + h / 2 < rx - 2; x += 6)
    path += `M${n(x)} ${n(front(x) + h)}L${n(x + h / 2)} ${n(front(x + h / 2))}`;
  return path;
}

/** Engraved lines on the rim's shaded right, closer together towards the edge. */
export function shadeOf({ rx, ry, h }: Disc): string {
  let path = '';
  for (let angle = 5, step = 2.1; angle < 66; angle += step, step *= 1.06) {
    const rad = (angle * Math.PI) / 180;
    const x = rx * Math.cos(rad);
    const y = ry * Math.sin(rad);
    path += `M${n(x)} ${n(y + 0.8)}v${n(h - 0.8)}`;
  }
  return path;
}
