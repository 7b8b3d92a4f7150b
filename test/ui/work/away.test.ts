/** Whether somebody is at the device: what a browser's detector says, and where it says nothing. */
import { afterEach, expect, it } from 'vitest';
import { askToSenseAway, canSenseAway, senseAway } from '../../../src/ui/work/care/away.ts';
import { POLICY_START, sense, verdictOf } from '../../../src/client/mining/work-policy.ts';

const world = globalThis as { IdleDetector?: unknown };
afterEach(() => void delete world.IdleDetector);

/** A browser's detector as its standard describes it. */
function install(permission: 'granted' | 'denied') {
  const made: Detector[] = [];
  class Detector extends EventTarget {
    static requestPermission = async () => permission;
    userState: string | null = null;
    screenState: string | null = null;
    signal: AbortSignal | undefined;
    async start({ threshold, signal }: { threshold: number; signal: AbortSignal }) {
      if (threshold < 60_000) throw new TypeError('too short');
      if (permission === 'denied') throw new DOMException('denied', 'NotAllowedError');
      this.signal = signal;
      made.push(this);
      this.set('active', 'unlocked');
    }
    set(userState: string, screenState: string) {
      Object.assign(this, { userState, screenState });
      this.dispatchEvent(new Event('change'));
    }
  }
  world.IdleDetector = Detector;
  return made;
}

/** The duty that follows. */
function begin() {
  let state = POLICY_START;
  const stop = senseAway((sensed) => (state = sense(state, sensed, 0)));
  return { stop, duty: () => verdictOf(state, 0).duty };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));

it('is not offered where the browser has no detector', async () => {
  expect(canSenseAway()).toBe(false);
  expect(await askToSenseAway()).toBe(false);
});

it('asks the browser, and takes its no', async () => {
  install('denied');
  expect([canSenseAway(), await askToSenseAway()]).toEqual([true, false]);
  install('granted');
  expect(await askToSenseAway()).toBe(true);
});

it('work goes on while nobody is there, or behind a locked screen, and not before that is known', async () => {
  const made = install('granted');
  const { stop, duty } = begin();
  expect(duty()).toBe(0);
  await settled();
  expect(duty()).toBe(0);
  made[0]!.set('idle', 'unlocked');
  expect(duty()).toBe(1);
  made[0]!.set('active', 'unlocked');
  expect(duty()).toBe(0);
  made[0]!.set('active', 'locked');
  expect(duty()).toBe(1);
  made[0]!.set('active', 'unlocked');
  stop();
  expect([duty(), made[0]!.signal?.aborted]).toEqual([1, true]);
  made[0]!.set('idle', 'locked');
});

it('a permission that was taken back holds the work: the person wanted none beside them', async () => {
  install('denied');
  const { duty } = begin();
  await settled();
  expect(duty()).toBe(0);
});
