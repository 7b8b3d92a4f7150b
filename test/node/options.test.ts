import { describe, expect, it } from 'vitest';
import { NANOVOLTS } from '../../src/core/params.ts';
import { LOOPBACK_RANGES } from '../../src/node/http/caller.ts';
import { HELP, parseOptions } from '../../src/node/seed/options.ts';

const PEER = '12D3KooWR7LFeSYZ7dsQwgSx4fRhN3HebJKN5UgRMENymFizLNsA';
const CERTIFICATE = 'uEiDBxwBAZqGHFsk0iHbJpnWmyUuuEtHUQZNdBlt8rcyGug';

describe('options', () => {
  it('have defaults', () => {
    expect(parseOptions([])).toEqual({
      network: 'local',
      data: '.data/local',
      host: '127.0.0.1',
      port: 8790,
      rpcHost: '127.0.0.1',
      rpcPort: 8792,
      rtcPort: 8791,
      mine: false,
      giftBlocks: 'yes',
      payout: undefined,
      model: 'minilm',
      bootstrap: [],
      mirrors: [],
      tls: undefined,
      announce: [],
      isPublic: false,
      trustProxy: ['127.0.0.0/8', '::1/128'],
      prune: undefined,
      trustState: false,
      apiKeyFile: undefined,
      apiOrigins: [],
      answerPrice: undefined,
      serve: [],
      tokenPrice: undefined,
      spendMax: 100n * NANOVOLTS,
      prepay: NANOVOLTS,
      packages: undefined,
      serveBytes: 2 ** 32,
    });
    const atHome = { data: '.data/e2e', model: 'tiny', giftBlocks: 'no' };
    expect(parseOptions(['--network', 'e2e'])).toMatchObject(atHome);
  });

  it('take every flag', () => {
    const ws = `/ip4/127.0.0.1/tcp/1/ws/p2p/${PEER}`;
    const flags = ['--network', 'e2e', '--data', '/d', '--host', '::1', '--port', '0'];
    const more = ['--rtc-port', '65535', '--rpc-host', '0.0.0.0', '--rpc-port=1', '--mine'];
    const rest = ['--payout', 'rpila1', '--model', 'lingua', '--bootstrap', ws, '--tls', 'c,k'];
    const twice = ['--bootstrap', ws];
    const reached = ['/dns4/a.example/tcp/443/tls/ws', '/ip4/192.0.2.1/udp/1/webrtc-direct'];
    const told = reached.flatMap((a) => ['--announce', a]);
    const asking = ['--prune', '2049', '--api-key-file', '/k', '--spend-max', '0.5', '--prepay=2'];
    const chats = ['--serve', 'smollm2', '--serve=/c', '--token-price', '0.000002'];
    const answers = ['--answer-price', '0.000001', '--trust-state', ...chats];
    const gifts = ['--gift-blocks', 'all'];
    const served = ['--package', '/a', '--package=b', '--serve-bytes', '16777216'];
    const mirrored = ['--mirror', 'https://a.example/m', '--mirror', 'http://127.0.0.1:1/'];
    const pages = ['--api-origin', 'https://a.example', '--api-origin=http://localhost:5173'];
    const proxies = ['--trust-proxy', '10.88.0.0/16', '--trust-proxy', '::1'];
    const all = [
      ...pages,
      ...gifts,
      ...proxies,
      ...mirrored,
      ...flags,
      ...more,
      ...rest,
      ...twice,
      ...told,
      ...asking,
      ...answers,
      ...served,
    ];
    expect(parseOptions(all)).toEqual({
      network: 'e2e',
      data: '/d',
      host: '::1',
      port: 0,
      rpcHost: '0.0.0.0',
      rpcPort: 1,
      rtcPort: 65535,
      mine: true,
      giftBlocks: 'all',
      payout: 'rpila1',
      model: 'lingua',
      bootstrap: [ws, ws],
      mirrors: ['https://a.example/m/', 'http://127.0.0.1:1/'],
      tls: { cert: 'c', key: 'k' },
      announce: reached,
      isPublic: true,
      trustProxy: ['10.88.0.0/16', '::1'],
      prune: 2049,
      trustState: true,
      apiKeyFile: '/k',
      apiOrigins: ['https://a.example', 'http://localhost:5173'],
      answerPrice: 1_000n,
      serve: ['smollm2', '/c'],
      tokenPrice: 2_000n,
      spendMax: NANOVOLTS / 2n,
      prepay: 2n * NANOVOLTS,
      packages: ['/a', 'b'],
      serveBytes: 2 ** 24,
    });
  });

  it.each([
    [[], false],
    [['--host', '127.0.0.2'], false],
    [['--host', '::1'], false],
    [['--host', '0.0.0.0'], true],
    [['--host', '192.168.1.5'], true],
    [['--announce', '/dns4/a.example/tcp/443/tls/ws'], true],
    [['--public'], true],
  ])('%j: whether others reach it is %j', (args, isPublic) => {
    expect(parseOptions(args)!.isPublic).toBe(isPublic);
  });

  it.each([
    [['--host', '127.0.0.2'], LOOPBACK_RANGES],
    [['--host', '0.0.0.0'], []],
    [['--host', '192.168.1.5'], []],
    [['--trust-proxy', '10.0.0.0/8'], ['10.0.0.0/8']],
  ])('%j: the proxies trusted are %j', (args, trustProxy) => {
    expect(parseOptions(args)!.trustProxy).toEqual(trustProxy);
  });

  it.each([
    '/ip4/192.0.2.1/tcp/1/ws',
    `/dns4/a.example/tcp/443/tls/ws/p2p/${PEER}`,
    `/dns4/a.example/tcp/443/tls/sni/a.example/ws/p2p/${PEER}`,
    `/dns6/a.example/tcp/443/wss/p2p/${PEER}`,
    `/ip6/2001:db8::1/udp/8791/webrtc-direct/certhash/${CERTIFICATE}/p2p/${PEER}`,
  ])('take the seed %s', (seed) => {
    expect(parseOptions(['--bootstrap', seed])!.bootstrap).toEqual([seed]);
  });

  it('give way to help, which names every flag', () => {
    expect(parseOptions(['--port', 'x', '--help'])).toBeUndefined();
    const ports = ['network', 'data', 'host', 'port', 'rtc-port', 'rpc-host', 'rpc-port'];
    for (const flag of [
      ...ports,
      'announce',
      'public',
      'trust-proxy',
      'mirror',
      'prune',
      'trust-state',
      'api-key-file',
      'spend-max',
      'prepay',
      'package',
      'serve-bytes',
      'gift-blocks',
      'serve',
      'token-price',
    ])
      expect(HELP).toContain(`--${flag} `);
    expect(HELP).not.toContain('--without');
  });

  it.each([
    [['--colour', 'red'], "'--colour'"],
    [['extra'], "'extra'"],
    [['--mine=yes'], '--mine'],
    [['--trust-state'], '--trust-state needs --bootstrap'],
    [['--port'], '--port'],
    [['--port', ''], 'from 0 to 65535'],
    [['--port', '65536'], "--port takes a port from 0 to 65535, not '65536'"],
    [['--rpc-port', '-1'], '--rpc-port'],
    [['--rtc-port', '1e3'], "not '1e3'"],
    [['--host', 'localhost'], "--host takes an IP address, not 'localhost'"],
    [['--rpc-host', '1.2.3'], '--rpc-host takes an IP address'],
    [['--network', 'mainnet'], '--network takes main, test, local, e2e'],
    [['--network', 'toString'], '--network takes'],
    [['--payout', 'rpila1'], '--payout needs --mine or --serve'],
    [['--token-price', '1'], '--token-price needs --serve'],
    [['--serve', ''], "--serve takes a model, not ''"],
    [['--model', 'tiny'], '--model needs --mine'],
    [['--data', ''], "--data takes a folder, not ''"],
    [['--bootstrap', 'http://x'], '--bootstrap takes a multiaddr'],
    [['--bootstrap', ''], '--bootstrap takes a multiaddr'],
    [['--bootstrap', '/'], '--bootstrap takes a multiaddr'],
    [['--bootstrap', `/p2p/${PEER}`], '--bootstrap takes a multiaddr'],
    [['--bootstrap', `/ip4/1.2.3.4/p2p/${PEER}`], '--bootstrap takes a multiaddr'],
    [['--bootstrap', `/ip4/1.2.3.4/tcp/1/p2p/${PEER}`], '--bootstrap takes a multiaddr'],
    [['--bootstrap', '/ip4/1.2.3.999/tcp/1/ws'], '--bootstrap takes a multiaddr'],
    [['--bootstrap', '/ip4/1.2.3.4/udp/1/webrtc-direct'], '--bootstrap takes a multiaddr'],
    [['--tls', 'cert.pem'], '--tls takes CERT,KEY'],
    [['--tls', 'a,b,c'], '--tls takes CERT,KEY'],
    [['--announce', '/ip4/1.2.3.4/tcp/1'], '--announce takes'],
    [['--announce', `/dns4/a/tcp/1/ws/p2p/${PEER}`], '--announce takes'],
    [Array.from({ length: 9 }, () => '--announce=/dns4/a/tcp/1/ws'), '--announce: at most 8'],
    [['--trust-proxy', 'proxy.example'], "a range such as 10.88.0.0/16, not 'proxy.example'"],
    [['--trust-proxy', '10.0.0.0/33'], '--trust-proxy takes'],
    [['--trust-proxy', '10.0.0.0/8/8'], '--trust-proxy takes'],
    [Array.from({ length: 33 }, () => '--trust-proxy=10.0.0.0/8'), '--trust-proxy: at most 32'],
    [['--mirror', 'http://a.example/'], "--mirror takes an https address, not 'http://a.example/'"],
    [['--mirror', 'https://u:p@a.example/'], '--mirror takes'],
    [Array.from({ length: 9 }, () => '--mirror=https://a.example'), '--mirror: at most 8'],
    [['--prune', '2048'], "--prune takes a number of blocks above 2048, not '2048'"],
    [['--prune', '-1'], '--prune'],
    [['--spend-max=-1'], '--spend-max takes an amount of VLT'],
    [['--spend-max', '1e3'], "not '1e3'"],
    [['--prepay', '0.001'], "--prepay takes 0.01 to 10 VLT, not '0.001'"],
    [['--prepay', '11'], "--prepay takes 0.01 to 10 VLT, not '11'"],
    [['--package', ''], "--package takes a folder, not ''"],
    [Array.from({ length: 9 }, () => '--package=a'), '--package: at most 8'],
    [['--serve-bytes', '16777215'], "at least 16777216 bytes an hour, not '16777215'"],
    [['--gift-blocks', 'on'], "yes, no or all, not 'on'"],
    [['--serve-bytes=-1'], '--serve-bytes takes 0, or'],
    [['--serve-bytes', '4G'], "not '4G'"],
    [['--without', 'tx.nonce'], "'--without'"],
    [['--network', 'e2e', '--without', 'tx.nonce'], "'--without'"],
  ])('%j is one sentence', (args, sentence) => {
    let error: any;
    try {
      parseOptions(args);
    } catch (e) {
      error = e;
    }
    expect(error).toMatchObject({ code: 'WRONG_FLAG' });
    expect(error.message).toContain(sentence);
    expect(error.message).not.toContain('\n');
  });
});
