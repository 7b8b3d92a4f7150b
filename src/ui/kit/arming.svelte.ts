/**
 * When a button that confirms may be pressed: once what it confirms was in sight for a while, as browsers hold
 * their own questions back. A hand that is still pressing the button before then confirms nothing.
 */

/** ms in sight, without a break: a double click and a double tap are over by then, and a sentence is read. */
export const SEEN_MS = 700;

/** Calls back once after `ms`, unless what it gives is called before. */
export type After = (ms: number, act: () => void) => () => void;

const afterTimeout: After = (ms, act) => {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
};

export class Arming {
  /** It may be pressed. */
  armed = $state.raw(false);
  #stop: (() => void) | undefined;
  #inSight = false;
  readonly #after: After;

  constructor(after: After = afterTimeout) {
    this.#after = after;
  }

  /** What is confirmed came into sight, or went out of it: then it has to be seen anew. */
  see(inSight: boolean): void {
    if (inSight === this.#inSight) return;
    this.#inSight = inSight;
    this.again();
  }

  /** Something else is to be confirmed now, or the window has only now got the hand's attention. */
  again(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.armed = false;
    if (this.#inSight) this.#stop = this.#after(SEEN_MS, () => (this.armed = true));
  }

  /** @param event its `detail` is 0 of a keyboard or a screen reader, and 2 of a double click's second one */
  takes({ detail, isTrusted }: Pick<MouseEvent, 'detail' | 'isTrusted'>): boolean {
    return this.armed && isTrusted && detail <= 1;
  }
}

/** Shares of what is confirmed at which the browser tells how much of it is in sight. */
export const SIGHT_STEPS = Array.from({ length: 21 }, (_, i) => i / 20);

/** At least half of it is in sight; of what is taller than the window, half a window of it. */
export const isInSight = (entry: IntersectionObserverEntry): boolean => {
  const { isIntersecting, intersectionRatio, intersectionRect, rootBounds } = entry;
  const window = rootBounds?.height ?? Infinity;
  return isIntersecting && (intersectionRatio >= 0.5 || intersectionRect.height >= window / 2);
};
