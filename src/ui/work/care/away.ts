/** Whether somebody is at this device, by the Idle Detection API: asked for only where a person wants to know. */
import type { Sensed } from '../../../client/mining/work-policy.ts';

/** ms without a key or a movement after which nobody is there: the least that browsers allow. */
const IDLE_MS = 60_000;

interface IdleDetector extends EventTarget {
  readonly userState: 'active' | 'idle' | null;
  readonly screenState: 'locked' | 'unlocked' | null;
  start(options: { threshold: number; signal: AbortSignal }): Promise<void>;
}
interface IdleDetectors {
  new (): IdleDetector;
  requestPermission(): Promise<'granted' | 'denied'>;
}
const detectors = (): IdleDetectors | undefined =>
  (globalThis as { IdleDetector?: IdleDetectors }).IdleDetector;

export const canSenseAway = (): boolean => detectors() !== undefined;

/** To be called at a click: the browser asks the person. */
export const askToSenseAway = async (): Promise<boolean> =>
  (await detectors()
    ?.requestPermission()
    .catch(() => undefined)) === 'granted';

/** Until the result is called. Somebody counts as there until the browser says otherwise. */
export function senseAway(report: (sensed: Sensed) => void): () => void {
  const over = new AbortController();
  const { signal } = over;
  report({ type: 'presence', here: true });
  void follow(signal, (here) => report({ type: 'presence', here })).catch(() => undefined);
  return () => {
    over.abort();
    report({ type: 'presence', here: undefined });
  };
}

async function follow(signal: AbortSignal, tell: (here: boolean) => void): Promise<void> {
  const Detector = detectors();
  if (!Detector) return;
  const detector = new Detector();
  const look = (): void => tell(detector.userState !== 'idle' && detector.screenState !== 'locked');
  detector.addEventListener('change', look, { signal });
  await detector.start({ threshold: IDLE_MS, signal });
  if (!signal.aborted) look();
}
