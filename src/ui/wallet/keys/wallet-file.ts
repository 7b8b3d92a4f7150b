/** The wallet as one JSON file: sealed keys as the vault gives them, and the names that were given. */
import { formatAddress } from '../../../core/address.ts';
import { AppError } from '../../../lib/errors.ts';
import { textFromBytes } from '../../../lib/text-file.ts';
import type { VaultFile } from '../../../wallet/vault/vault-file.ts';
import { addressFrom } from '../../../wallet/address.ts';

export interface Label {
  readonly address: Uint8Array;
  readonly name: string;
}
export interface Labels {
  readonly contacts: readonly Label[];
  readonly watched: readonly Label[];
}

const FORMAT = 'pila-wallet';
const VERSION = 1;
/** Sixteen accounts and a hundred contacts take a fifth of it. */
export const FILE_BYTES_MAX = 128 * 1024;
const LABELS_MAX = 200;

export function formatWalletFile(vault: VaultFile, labels: Labels, prefix: string): string {
  const listOf = (list: readonly Label[]) =>
    list.map(({ address, name }) => ({ address: formatAddress(address, prefix), name }));
  const parts = { contacts: listOf(labels.contacts), watched: listOf(labels.watched) };
  return `${JSON.stringify({ format: FORMAT, version: VERSION, vault, labels: parts }, null, 2)}\n`;
}

/**
 * `vault` is for the vault to judge; labels of other networks are left out.
 * @throws FILE_MALFORMED, FILE_VERSION
 */
export function parseWalletFile(text: string, prefix: string): { vault: unknown; labels: Labels } {
  if (text.length > FILE_BYTES_MAX) throw new AppError('FILE_MALFORMED', 'far too long');
  const file = Object(parseJson(text)) as Record<string, unknown>;
  if (file['format'] !== FORMAT) throw new AppError('FILE_MALFORMED', 'not a wallet file');
  if (file['version'] !== VERSION)
    throw new AppError('FILE_VERSION', `version ${String(file['version'])}`);
  const labels = Object(file['labels']) as Record<string, unknown>;
  const listOf = (list: unknown): Label[] =>
    (Array.isArray(list) ? list : []).slice(0, LABELS_MAX).flatMap((x: unknown) => {
      const { address: written, name } = Object(x) as Record<string, unknown>;
      const address = typeof written === 'string' ? addressFrom(written, prefix) : undefined;
      return address && typeof name === 'string' ? [{ address, name }] : [];
    });
  return {
    vault: file['vault'],
    labels: { contacts: listOf(labels['contacts']), watched: listOf(labels['watched']) },
  };
}

/** @throws FILE_MALFORMED */
export function textOfFile(bytes: Uint8Array): string {
  try {
    return textFromBytes(bytes);
  } catch (cause) {
    throw new AppError('FILE_MALFORMED', 'no text', { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('FILE_MALFORMED', 'not JSON', { cause });
  }
}
