/** Sources of a package's parts: an http(s) address that keeps them, or a peer. No source is trusted. */
import { fault } from '../../core/faults.ts';
import { MODEL_SLICE_BYTES } from '../../core/messages.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { MANIFEST_PART } from '../../miner/package/parts.ts';
import type { Transport } from '../../net/transport.ts';

/** A source has what is asked for, and gives no more of it for now. */
export class SourceBusy extends Error {
  override readonly name = 'SourceBusy';
  /** ms after which it may be asked again. */
  readonly waitMs: number;

  constructor(waitMs: number) {
    super(`no more for ${waitMs} ms`);
    this.waitMs = waitMs;
  }
}

export interface PartSource {
  /** Name that screens show: an address, or a peer's id. */
  readonly name: string;
  /**
   * Fetches `size` bytes, which are not checked yet; `onBytes` is called with the number of further bytes that
   * arrived. @throws AppError MODEL_MISSING when the source does not send them, SourceBusy when it does later
   */
  fetch(
    wanted: WantedPart,
    signal: AbortSignal,
    onBytes: (more: number) => void,
  ): Promise<Uint8Array>;
  /** Called when the part that the source sent was wrong. */
  blame(part: number): void;
}

export interface WantedPart {
  readonly model: Uint8Array;
  readonly part: number;
  readonly size: number;
}

/** ms without so many bytes after which a server is given up for this part: a byte now and then must hold nobody. */
const STALL_MS = 15_000;
const STALL_BYTES = 16 * 1024;
/** Seconds in which a server that gives no more for now is asked again, whatever it says. */
const BUSY_S_MIN = 1;
const BUSY_S_MAX = 600;

/** @throws SourceBusy */
function throwIfBusy({ status, headers }: Response): void {
  if (status !== 429 && status !== 503) return;
  const told = /^\d{1,6}$/.exec(headers.get('retry-after') ?? '')?.[0];
  if (told === undefined) return;
  throw new SourceBusy(1000 * Math.min(BUSY_S_MAX, Math.max(BUSY_S_MIN, Number(told))));
}

/** Mirrors that a configuration may name. */
export const MIRRORS_MAX = 8;

/** The text as a mirror's base address, which ends in '/'; undefined unless it is https or on this machine. */
export function mirrorAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal)) return undefined;
  if (url.username || url.password || url.search || url.hash) return undefined;
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

/** Fetches `<base><model id in hex>/<part>`, as a seed serves it, or any static server. */
export function httpSource(base: string, stallMs = STALL_MS): PartSource {
  return {
    name: base,
    async fetch({ model, part, size }, signal, onBytes) {
      const stalled = new AbortController();
      let timer = setTimeout(() => stalled.abort(), stallMs);
      try {
        const response = await fetch(new URL(`${toHex(model)}/${part}`, base), {
          signal: AbortSignal.any([signal, stalled.signal]),
          // The parts are stored here, without an HTTP cache. A redirect would lead to a server nobody named.
          cache: 'no-store',
          redirect: 'error',
        });
        throwIfBusy(response);
        if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
        const bytes = new Uint8Array(size);
        let at = 0;
        let renewedAt = 0;
        const reader = response.body.getReader();
        for (let next = await reader.read(); !next.done; next = await reader.read()) {
          const piece = next.value;
          if (at + piece.length > size) throw new Error('more bytes than the part has');
          bytes.set(piece, at);
          at += piece.length;
          onBytes(piece.length);
          if (at < renewedAt + STALL_BYTES) continue;
          renewedAt = at;
          clearTimeout(timer);
          timer = setTimeout(() => stalled.abort(), stallMs);
        }
        if (at < size) throw new Error(`${at} of ${size} bytes`);
        return bytes;
      } catch (cause) {
        if (cause instanceof SourceBusy) throw cause;
        throw new AppError('MODEL_MISSING', `${base} does not give part ${part}`, { cause });
      } finally {
        clearTimeout(timer);
      }
    },
    blame: () => undefined,
  };
}

/** Fetches in slices of 256 KiB. A peer that sends wrong bytes is charged. */
export function peerSource(transport: Transport, peer: string): PartSource {
  const refuse = (part: number): void => transport.charge(peer, fault('wire.model', { part }));
  return {
    name: peer,
    async fetch({ model: id, part, size }, signal, onBytes) {
      const bytes = new Uint8Array(size);
      for (let at = 0; at === 0 || at < size;) {
        signal.throwIfAborted();
        const answer = await transport.request(peer, { type: 'model', id, part, at });
        if (answer.type !== 'model')
          throw new AppError('MODEL_MISSING', `${peer} does not give part ${part}`);
        if (answer.bytes.length !== Math.min(MODEL_SLICE_BYTES, size - at)) {
          // The size of a manifest is hearsay: only its hash says whose fault it is.
          if (part !== MANIFEST_PART) refuse(part);
          throw new AppError('MODEL_MISSING', `${peer} gives slices of another size`);
        }
        bytes.set(answer.bytes, at);
        onBytes(answer.bytes.length);
        at += answer.bytes.length;
        if (!size) break;
      }
      return bytes;
    },
    blame: refuse,
  };
}
