/** What each linear pays: tickets of its tiles, each worth its credit. Written apart from src/core. */
import { rowsOf, type Game } from './game.ts';

export type Formula = 1 | 2;
/** κ in 64ths, as the manifests of version 1 named it; other shapes had ⌊64·0.9/o⌋ of an o near 3. */
const KAPPA: Readonly<Record<string, number>> = { tiny: 18, lingua: 19, polyglot: 18 };
const KAPPA_ELSE = 19;

export const macsOf = (g: Game): bigint[] =>
  g.linears.map(({ k, n }) => BigInt(rowsOf(g)) * BigInt(k) * BigInt(n));

/** c of every linear: by version 2 from the work before it, by version 1 from κ. */
export function creditsOf(g: Game, formula: Formula = 2): bigint[] {
  const work = macsOf(g);
  const before = work.map((_, i) => work.slice(0, i).reduce((sum, w) => sum + w, 0n));
  const whole = work.reduce((sum, w) => sum + w, 0n);
  if (formula === 1) {
    const kappa = BigInt(KAPPA[g.name] ?? KAPPA_ELSE);
    return work.map(
      (w, i) =>
        (256n * BigInt(g.linears[i]!.k) * (kappa * whole + (64n - kappa) * (2n * before[i]! + w))) /
        (64n * whole),
    );
  }
  const ramp = work.reduce((sum, w, i) => sum + w * before[i]!, 0n);
  return g.linears.map(({ k }, i) => (256n * BigInt(k) * before[i]! * whole) / ramp);
}

/** Tiles of 16×16 of each linear, each a ticket. */
export const tilesOf = (g: Game): number[] => g.linears.map(({ n }) => (rowsOf(g) / 16) * (n / 16));

/** Credit of the tickets of each linear. */
export function paysOf(g: Game, formula: Formula): number[] {
  const tiles = tilesOf(g);
  return creditsOf(g, formula).map((c, i) => Number(c) * tiles[i]!);
}
