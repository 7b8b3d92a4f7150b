/**
 * What is signed with nobody there, across a port: the client's worker asks, and the page has its vault sign. The
 * worker talks to strangers, so the port carries the calls of UnattendedApi and nothing else of the vault.
 */
import { AppError } from '../../lib/errors.ts';
import { connect, expose, type Port } from '../../lib/rpc.ts';
import { UNATTENDED_CALLS_MAX } from '../../wallet/vault-calls.ts';
import type { UnattendedApi } from '../../wallet/vault/vault-api.ts';

/** Complete: a call that is new in UnattendedApi does not compile until it is listed. */
const METHODS: Readonly<Record<keyof UnattendedApi, true>> = {
  servingKey: true,
  signReceipt: true,
  signClose: true,
  signAsk: true,
  signOffer: true,
  signVoucher: true,
  channelEnded: true,
  channelsLimit: true,
};
export const SIGNER_METHODS = Object.keys(METHODS) as (keyof UnattendedApi)[];

/** ms for a signature, which takes some ms. A vault opens with a passphrase in seconds, and signs nothing meanwhile. */
export const SIGNING_MS = 60_000;

type Call = (...args: unknown[]) => Promise<unknown>;
type Calls = Record<string, Call>;

/** @returns what ends it: later calls are not answered, and are not carried to the vault */
export function serveSigners(signers: UnattendedApi, port: MessagePort): () => void {
  let waiting = 0;
  const bounded =
    (call: Call): Call =>
    async (...args) => {
      if (waiting >= UNATTENDED_CALLS_MAX)
        throw new AppError('BUSY', `${UNATTENDED_CALLS_MAX} signatures are waiting`);
      waiting++;
      return call(...args).finally(() => waiting--);
    };
  const calls = SIGNER_METHODS.map((name) => [
    name,
    bounded((...args) => (signers as unknown as Calls)[name]!(...args)),
  ]);
  expose(Object.fromEntries(calls) as Calls, port as Port);
  return () => port.close();
}

/**
 * The signers at the other end. Its calls fail as the vault's own do, and also with BUSY, with WORKER_DIED where the
 * port or the vault has gone, and with VAULT_SILENT where no answer comes.
 */
export function connectSigners(port: MessagePort, signingMs = SIGNING_MS): UnattendedApi {
  const remote = connect<UnattendedApi>(port, { pendingMax: UNATTENDED_CALLS_MAX });
  const calls = SIGNER_METHODS.map((name) => [
    name,
    (...args: unknown[]) => inTime((remote as unknown as Calls)[name]!(...args), signingMs),
  ]);
  return Object.fromEntries(calls) as UnattendedApi;
}

async function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new AppError('VAULT_SILENT', `no answer in ${ms} ms`)),
    ms,
  );
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer));
}
