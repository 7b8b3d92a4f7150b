/** A vault that is locked but when a person confirms, against what all keys must do that sign with nobody there. */
import { IDBFactory } from 'fake-indexeddb';
import { encode } from '../../src/core/codec.ts';
import { addressOf } from '../../src/core/address.ts';
import { Header, Tx } from '../../src/core/formats.ts';
import { blockId, genesisPoint } from '../../src/core/header/header.ts';
import { createParams } from '../../src/core/params.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import type { VaultApi } from '../../src/wallet/vault/vault-api.ts';
import { databaseHome } from '../../src/wallet/vault/vault-places.ts';
import { createStorage } from '../../src/wallet/vault/vault-storage.ts';
import { createVault } from '../../src/wallet/vault/vault.ts';
import { unattendedContract } from '../contracts/unattended.contract.ts';
import { CHEAP, hash, STRONG } from './values.ts';

const GENESIS_MS = 1e12;
const { header } = genesisPoint(createParams('local', []), GENESIS_MS);

unattendedContract('a vault', async () => {
  const storage = createStorage([databaseHome(new IDBFactory())]);
  let nowMs = GENESIS_MS + 1000 * 5000;
  const start = (): VaultApi => {
    const clock = { now: () => nowMs, after: () => () => {} };
    const vault = createVault({ storage, crypto, clock, cost: CHEAP });
    const genesis = toHex(encode(Header, header));
    void vault.openFor({ network: 'local', genesis });
    return vault;
  };
  const owner = start();
  const { publicKey } = await owner.restore(formatWords(hash(3)), STRONG);
  return {
    // A signer is made for what a person is about to confirm; all else is asked of a vault that nobody has opened.
    start: async () => ({ ...start(), newSigner: owner.newSigner }),
    open: async (tx) => {
      await owner.unlock(STRONG);
      return owner.sign(encode(Tx, tx));
    },
    setLimit: (limit) => owner.setChannelsLimit(limit),
    passMs: (ms) => void (nowMs += ms),
    from: publicKey!,
    payee: addressOf(publicKey!),
    genesis: blockId(header),
  };
});
