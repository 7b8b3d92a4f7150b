/** A contributor beside pages that are no seed's, or a hostile one's. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import type { MinerOptions } from '../../../src/node/contributor/miner-options.ts';
import { configOf } from '../../../src/node/contributor/seed-config.ts';

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** What a contributor learns from a page that answers so. */
async function learn(answer: (response: ServerResponse) => void) {
  const server = createServer((_, response) => answer(response)).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const seed = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  return await configOf({ seed, networks: ['local', 'e2e'] } as unknown as MinerOptions);
}
const json = (value: unknown) => (response: ServerResponse) =>
  void response.end(JSON.stringify(value));
const whole = { network: 'e2e', bootstrap: ['/ip4/127.0.0.1/tcp/1/ws'], genesis: '00' };

it('takes from a seed what it needs, and nothing else', async () => {
  expect(await learn(json({ ...whole, mirrors: ['https://evil.example/'] }))).toEqual(whole);
  const { genesis, ...packaged } = whole;
  expect(await learn(json(packaged))).toEqual({ ...packaged, genesis: undefined });
  expect(genesis).toBe('00');
});

it.each([
  ['null', null],
  ['a list', []],
  ['no network', { ...whole, network: undefined }],
  ['a network that is no text', { ...whole, network: ['e2e'] }],
  ['no seeds', { ...whole, bootstrap: undefined }],
  ['seeds in one text', { ...whole, bootstrap: 'abc' }],
  ['seeds that are no text', { ...whole, bootstrap: [1, null] }],
  ['a genesis that is no text', { ...whole, genesis: 5 }],
])('refuses %s', async (_, value) => {
  await expect(learn(json(value))).rejects.toMatchObject({ code: 'CONFIG_MALFORMED' });
});

it('refuses what is no JSON, or of another network', async () => {
  const page = (response: ServerResponse) => void response.end('<html>');
  await expect(learn(page)).rejects.toMatchObject({ code: 'CONFIG_MALFORMED' });
  await expect(learn(json({ ...whole, network: 'main' }))).rejects.toMatchObject({
    code: 'WRONG_FLAG',
    message: "the seed is of 'main', not of local or e2e",
  });
});

it('reads no answer without an end', async () => {
  const spaces = Buffer.alloc(16 * 1024, ' ');
  let sent = 0;
  const endless = (response: ServerResponse): void => {
    const more = (): void => {
      if (!response.destroyed) response.write(spaces, () => setImmediate(more));
      sent += spaces.length;
    };
    more();
  };
  await expect(learn(endless)).rejects.toMatchObject({ code: 'CONFIG_MALFORMED' });
  expect(sent).toBeGreaterThan(64 * 1024);
});
