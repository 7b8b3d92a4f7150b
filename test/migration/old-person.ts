/** Who used the build before channels, in a browser and with a seed: what make.ts does is what the tests look for. */
import type { Page } from '@playwright/test';

/** Of the page's origin, which a browser's storage belongs to; below those that tests take. */
export const PORT = 8719;
export const ENTROPY = new Uint8Array(32).fill(0x5e);
export const PASSPHRASE = 'cobalt hammock viola tundra zebra quiver';
export const CONTACT = { name: 'Alessandro', address: new Uint8Array(32).fill(7) };
export const WATCHED = { name: 'The shop', address: new Uint8Array(32).fill(8) };
export const ACCOUNTS = ['Daily', 'Savings'] as const;
/** A payment and a question of the first account, in VLT. */
export const PAID = '5';
export const QUESTION = 'Ciao, Volta!';
/** As `localStorage` keeps them. */
export const SETTINGS = { language: 'it', theme: 'dark', intensity: '50' } as const;
/**
 * Plays the person's passkey: no tool takes one from a browser and gives it to another. The PRF is an HMAC under a
 * key that stands here.
 */
export const addPasskeys = (page: Page) =>
  page.addInitScript(() => {
    const credential = new Uint8Array(16).fill(3);
    const keyOf = (raw: Uint8Array<ArrayBuffer>) =>
      crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    async function give({ publicKey }: { publicKey?: { extensions?: unknown } } = {}) {
      const { prf } = publicKey!.extensions as { prf: { eval: { first: BufferSource } } };
      const key = await keyOf(new Uint8Array(32).fill(4));
      const first = await crypto.subtle.sign('HMAC', key, prf.eval.first);
      const results = { prf: { enabled: true, results: { first } } };
      return Object.create(PublicKeyCredential.prototype, {
        rawId: { value: credential.buffer },
        getClientExtensionResults: { value: () => results },
      }) as PublicKeyCredential;
    }
    Object.assign(navigator.credentials, { create: give, get: give });
  });
