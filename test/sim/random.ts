/** Random numbers of a simulation: one seed, and a separate stream for each part that draws numbers. */

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  between(low: number, high: number): number;
  /** A whole number in [low, high]. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  shuffle<T>(from: readonly T[]): T[];
  /** A number from an exponential distribution: the wait for the next event of a Poisson process. */
  wait(mean: number): number;
}

/** sfc32 of the seed and a name, so that one part's draws never shift another's. */
export function createRandom(seed: number, name: string): Random {
  let [a, b, c, d] = [seed | 0, hashOf(name), 0x9e3779b9 | 0, 1];
  const draw = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 15; i++) draw();
  const int = (low: number, high: number) => low + Math.floor(draw() * (high - low + 1));
  return {
    next: draw,
    between: (low, high) => low + draw() * (high - low),
    int,
    chance: (probability) => draw() < probability,
    pick: (from) => from[int(0, from.length - 1)]!,
    shuffle(from) {
      const all = [...from];
      for (let i = all.length - 1; i > 0; i--) {
        const j = int(0, i);
        [all[i], all[j]] = [all[j]!, all[i]!];
      }
      return all;
    },
    wait: (mean) => -mean * Math.log(1 - draw()),
  };
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
