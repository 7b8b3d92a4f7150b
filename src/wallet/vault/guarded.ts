/** A vault that gives no keys, and takes none, where its thread is not what keys need. */
import { AppError } from '../../lib/errors.ts';
import type { VaultApi } from './vault-api.ts';
import { statusOf } from './vault-status.ts';

type Call = (...args: never[]) => unknown;

/** @param refusal why there may be no keys here; undefined: they may. @throws VAULT_UNGUARDED from every call but `status` */
export function onlyGuarded(vault: VaultApi, refusal: Promise<string | undefined>): VaultApi {
  const guard =
    (name: string, call: Call) =>
    async (...args: never[]): Promise<unknown> => {
      const why = await refusal;
      if (why === undefined) return call(...args);
      if (name !== 'status') throw new AppError('VAULT_UNGUARDED', why);
      return { ...statusOf(undefined, false), problem: 'VAULT_UNGUARDED' };
    };
  const calls = Object.entries<Call>(vault).map(([name, call]) => [name, guard(name, call)]);
  return Object.fromEntries(calls) as VaultApi;
}
