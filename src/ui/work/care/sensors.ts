/** What the page notices of the computer it runs on. Each part is there only where the browser has it. */
import { PRESSURES, type Sensed } from '../../../client/mining/work-policy.ts';

/** ms between two looks at frames, and of one look. */
const LOOK_EVERY_MS = 2000;
const LOOK_MS = 1000;
/** A frame this long after the one before, ms, is late: three of a 60 Hz screen's. */
const LATE_MS = 50;
/** ms between two samples of pressure. */
const PRESSURE_MS = 2000;

interface Battery extends EventTarget {
  readonly charging: boolean;
  /** 0 to 1. */
  readonly level: number;
}

type PressureRecords = readonly { readonly state: string }[];
type PressureObserver = new (listener: (records: PressureRecords) => void) => {
  observe(source: 'cpu', options: { sampleInterval: number }): Promise<void>;
  disconnect(): void;
};

/** Frames are looked at while `working`. The result ends it all. */
export function startSensors(working: () => boolean, report: (sensed: Sensed) => void): () => void {
  const over = new AbortController();
  const { signal } = over;
  const look = (): void => report({ type: 'visibility', hidden: document.hidden });
  document.addEventListener('visibilitychange', look, { signal });
  look();
  void senseBattery(signal, report).catch(() => undefined);
  void sensePressure(signal, report).catch(() => undefined);
  const timer = setInterval(() => {
    if (working() && !document.hidden) countFrames(signal, report);
  }, LOOK_EVERY_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
  return () => over.abort();
}

async function senseBattery(signal: AbortSignal, report: (sensed: Sensed) => void): Promise<void> {
  const { getBattery } = navigator as { getBattery?: () => Promise<Battery> };
  const battery = await getBattery?.call(navigator);
  if (!battery || signal.aborted) return;
  const look = (): void =>
    report({
      type: 'battery',
      charging: battery.charging,
      percent: Math.round(100 * battery.level),
    });
  battery.addEventListener('chargingchange', look, { signal });
  battery.addEventListener('levelchange', look, { signal });
  look();
}

async function sensePressure(signal: AbortSignal, report: (sensed: Sensed) => void): Promise<void> {
  const { PressureObserver } = globalThis as { PressureObserver?: PressureObserver };
  if (!PressureObserver) return;
  const observer = new PressureObserver((records) => {
    const pressure = PRESSURES.find((p) => p === records.at(-1)?.state);
    if (pressure) report({ type: 'pressure', pressure });
  });
  signal.addEventListener('abort', () => observer.disconnect());
  await observer.observe('cpu', { sampleInterval: PRESSURE_MS });
}

/** One look: drawing goes on at the screen's pace for a second. */
function countFrames(signal: AbortSignal, report: (sensed: Sensed) => void): void {
  const started = performance.now();
  let last: number | undefined;
  let shown = 0;
  let late = 0;
  const frame = (atMs: number): void => {
    // A hidden page draws nothing: what it waited then says nothing.
    if (signal.aborted || document.hidden) return;
    if (last !== undefined) {
      shown++;
      if (atMs - last > LATE_MS) late++;
    }
    last = atMs;
    if (performance.now() - started < LOOK_MS) requestAnimationFrame(frame);
    else report({ type: 'frames', shown, late });
  };
  requestAnimationFrame(frame);
}
