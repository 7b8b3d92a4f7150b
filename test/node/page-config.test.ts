import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { decode } from '../../src/core/codec.ts';
import { Header } from '../../src/core/formats.ts';
import { genesisPoint } from '../../src/core/header/header.ts';
import { createParams, type NetworkName } from '../../src/core/params.ts';
import { fromHex } from '../../src/lib/bytes.ts';
import { pageConfig } from '../../src/node/http/page-config.ts';

const direct = '/ip4/127.0.0.1/udp/2/webrtc-direct/certhash/uEi/p2p/ID';

interface Conditions {
  readonly secure?: boolean;
  readonly network?: NetworkName;
  readonly announced?: string[];
}

function configOf(
  headers: Record<string, string>,
  { secure = false, network = 'e2e', announced = [] }: Conditions = {},
): any {
  const params = createParams(network, []);
  const genesis = genesisPoint(params, 1_700_000_000_000).header;
  const addresses = ['/ip4/127.0.0.1/tcp/9/ws/p2p/ID', direct];
  const parts = {
    params,
    genesis,
    peerId: 'ID',
    addresses,
    announced,
    mirrors: [],
    served: [],
    downloadBytes: 5,
  };
  const request = { headers, socket: secure ? { encrypted: true } : {} };
  return pageConfig(parts, request as unknown as IncomingMessage);
}

describe('config.json', () => {
  it.each([
    ['localhost:8790', false, '/dns4/localhost/tcp/8790/ws'],
    ['127.0.0.1:80', false, '/ip4/127.0.0.1/tcp/80/ws'],
    ['[::1]:5', false, '/ip6/::1/tcp/5/ws'],
    ['pila.example', false, '/dns4/pila.example/tcp/80/ws'],
    ['pila.example', true, '/dns4/pila.example/tcp/443/tls/ws'],
  ])('names %s as the browser sees it', (host, secure, address) => {
    expect(configOf({ host }, { secure }).bootstrap).toEqual([`${address}/p2p/ID`, direct]);
  });

  it('believes a proxy that it speaks TLS', () => {
    const { bootstrap } = configOf({ host: 'a.b', 'x-forwarded-proto': 'https' });
    expect(bootstrap[0]).toBe('/dns4/a.b/tcp/443/tls/ws/p2p/ID');
  });

  it('completes the addresses that the operator names, and leaves out those they replace', () => {
    const told = (...announced: string[]) =>
      configOf({ host: 'a' }, { announced }).bootstrap.slice(1);
    const [ws, rtc] = ['/dns4/b/tcp/443/tls/ws', '/ip4/192.0.2.1/udp/5/webrtc-direct'];
    expect(told(ws)).toEqual([`${ws}/p2p/ID`, direct]);
    expect(told(ws, rtc)).toEqual([`${ws}/p2p/ID`, `${rtc}/certhash/uEi/p2p/ID`]);
  });

  it.each(['', 'a/b', 'a b', 'evil/ws/p2p/X', 'a:123456', '[::1', 'a\\b'])(
    'makes no address of the host %j',
    (host) => expect(configOf({ host }).bootstrap).toEqual([direct]),
  );

  it('tells network, prefix, sizes, and the genesis where it is made at the first start', () => {
    const told = configOf({ host: 'a' });
    expect(told).toMatchObject({ network: 'e2e', prefix: 'rpila', downloadBytes: 5 });
    expect(decode(Header, fromHex(told.genesis)!).time).toBe(1_700_000_000_000);
    expect(configOf({ host: 'a' }, { network: 'main' }).genesis).toBeUndefined();
  });
});
