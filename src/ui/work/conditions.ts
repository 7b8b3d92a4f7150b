/** What a first run meets in this browser, named before Start is pressed. Pure, but for `lookAtBrowser`. */
import { VERSION_KNOWN } from '../../core/params.ts';
import type { PageConfig } from '../engine.ts';

export interface BrowserFacts {
  /** Loaded by https, or from this computer: without it a page gets no keys, workers or locks. */
  readonly isSecure: boolean;
  /** What Pila needs and this browser lacks, by its name on the web. */
  readonly missing: readonly string[];
  /** Whether it has WebGPU at all: asking for an adapter would be a call to the GPU. */
  readonly hasWebGpu: boolean;
  /** False in windows that refuse a page files of its own, as private ones of Firefox and Safari do. */
  readonly hasFiles: boolean;
  /** Bytes that this page may store; undefined where the browser does not say. */
  readonly roomBytes: number | undefined;
}

/** Until it has been looked at, nothing is held against a browser. */
export const UNSEEN: BrowserFacts = {
  isSecure: true,
  missing: [],
  hasWebGpu: true,
  hasFiles: true,
  roomBytes: undefined,
};

export type Condition =
  | { readonly name: 'insecure' }
  | { readonly name: 'browserOld'; readonly missing: readonly string[] }
  | { readonly name: 'versionOld' }
  /** ms that this device's clock is ahead of the server's; less than 0: behind. */
  | { readonly name: 'clock'; readonly aheadMs: number }
  | { readonly name: 'room'; readonly bytes: number }
  | { readonly name: 'noFiles' }
  | { readonly name: 'noWebGpu' }
  | { readonly name: 'battery' };

const BLOCKING: readonly Condition['name'][] = ['insecure', 'browserOld', 'versionOld'];

/** Whether it keeps Start from being pressed. */
export const isBlocking = ({ name }: Condition): boolean => BLOCKING.includes(name);
export const isBlocked = (conditions: readonly Condition[]): boolean => conditions.some(isBlocking);

/**
 * Windows that forget everything get little room; ordinary ones get a part of the disk. Chromium now says
 * the same number in both, so there a private window looks like any other.
 */
const ROOM_BYTES_MIN = 300_000_000;

/** ms that a clock may be off: on every network a block may be dated so far ahead. */
const CLOCK_OFF_MS_MAX = 10_000;

export function conditionsOf(
  { isSecure, missing, hasWebGpu, hasFiles, roomBytes }: BrowserFacts,
  config: Pick<PageConfig, 'version' | 'clockAheadMs'> | undefined,
  onBattery: boolean,
): Condition[] {
  // All else follows from it.
  if (!isSecure) return [{ name: 'insecure' }];
  const { version = 0, clockAheadMs: aheadMs = 0 } = config ?? {};
  const found: (Condition | false)[] = [
    missing.length > 0 && { name: 'browserOld', missing },
    version > VERSION_KNOWN && { name: 'versionOld' },
    // Further ahead and its blocks are refused; further behind and it refuses the others'.
    Math.abs(aheadMs) > CLOCK_OFF_MS_MAX && { name: 'clock', aheadMs },
    roomBytes !== undefined && roomBytes < ROOM_BYTES_MIN && { name: 'room', bytes: roomBytes },
    !hasFiles && { name: 'noFiles' },
    !hasWebGpu && { name: 'noWebGpu' },
    onBattery && { name: 'battery' },
  ];
  return found.filter((condition) => condition !== false);
}

/** Touches neither the GPU nor the network. */
export async function lookAtBrowser(): Promise<BrowserFacts> {
  const needed = {
    WebAssembly: 'WebAssembly' in globalThis,
    IndexedDB: 'indexedDB' in globalThis,
    BroadcastChannel: 'BroadcastChannel' in globalThis,
    'Web Locks': 'locks' in navigator,
    'Web Crypto': globalThis.crypto?.subtle !== undefined,
    'Promise.withResolvers': 'withResolvers' in Promise,
  };
  const { storage } = navigator;
  const estimate = await storage?.estimate?.().catch(() => undefined);
  const refused = await storage?.getDirectory?.().then(
    () => false,
    () => true,
  );
  return {
    isSecure: isSecureContext,
    missing: Object.entries(needed).flatMap(([name, has]) => (has ? [] : [name])),
    hasFiles: !refused,
    hasWebGpu: 'gpu' in navigator,
    roomBytes: estimate?.quota,
  };
}
