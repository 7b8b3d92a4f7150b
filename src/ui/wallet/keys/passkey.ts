/**
 * Passkeys by WebAuthn's PRF extension: for a salt each gives 32 bytes that it alone can give. The
 * browser has them on the page only; they go to the vault at once and are wiped here.
 */
import { AppError } from '../../../lib/errors.ts';
import type { NewPasskey } from '../../../wallet/vault/vault-api.ts';

const WAIT_MS = 60_000;
const random = (size: number) => crypto.getRandomValues(new Uint8Array(size));

type Results = { prf?: { enabled?: boolean; results?: { first?: BufferSource } } };

export const hasPasskeys = (): boolean => typeof PublicKeyCredential === 'function';

/** @throws PASSKEY_UNSUPPORTED, PASSKEY_REFUSED */
export async function createPasskey(name: string): Promise<NewPasskey> {
  const salt = random(32);
  const made = await ask(() =>
    navigator.credentials.create({
      publicKey: {
        rp: { name: 'Pila' },
        user: { id: random(16), name, displayName: name },
        // Nobody checks a signature: what counts is what the PRF gives.
        challenge: random(32),
        pubKeyCredParams: [-7, -257].map((alg) => ({ type: 'public-key' as const, alg })),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
        timeout: WAIT_MS,
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  );
  const credential = new Uint8Array(made.rawId);
  const results = made.getClientExtensionResults() as Results;
  // Many give it only when they are used, not when they are made.
  const output =
    outputOf(results) ??
    (results.prf?.enabled ? await usePasskey({ credential, salt }) : undefined);
  if (!output) throw unsupported();
  return { credential, salt, output };
}

/** The 32 bytes. @throws PASSKEY_UNSUPPORTED, PASSKEY_REFUSED */
export async function usePasskey({
  credential,
  salt,
}: Omit<NewPasskey, 'output'>): Promise<Uint8Array> {
  const used = await ask(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: random(32),
        allowCredentials: [{ type: 'public-key', id: credential.slice() }],
        userVerification: 'required',
        timeout: WAIT_MS,
        extensions: { prf: { eval: { first: salt.slice() } } },
      },
    }),
  );
  const output = outputOf(used.getClientExtensionResults());
  if (!output) throw unsupported();
  return output;
}

async function ask(call: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  if (!hasPasskeys()) throw unsupported();
  const credential = await call().catch((cause: unknown) => {
    throw new AppError('PASSKEY_REFUSED', 'no passkey was given', { cause });
  });
  if (!(credential instanceof PublicKeyCredential)) throw unsupported();
  return credential;
}

function outputOf({ prf }: Results): Uint8Array | undefined {
  const first = prf?.results?.first;
  if (!first) return undefined;
  return 'buffer' in first
    ? new Uint8Array(first.buffer, first.byteOffset, first.byteLength)
    : new Uint8Array(first);
}

const unsupported = () => new AppError('PASSKEY_UNSUPPORTED', 'no PRF');
