import { describe, expect, it } from 'vitest';
import { HELP, parseOptions } from '../../src/node/options.ts';

const PEER = '12D3KooWR7LFeSYZ7dsQwgSx4fRhN3HebJKN5UgRMENymFizLNsA';

describe('options', () => {
  it('have defaults', () => {
    expect(parseOptions([])).toEqual({
      ...{ network: 'local', data: '.data/local', host: '127.0.0.1', port: 8790 },
      ...{ rpcHost: '127.0.0.1', rpcPort: 8792, rtcPort: 8791, mine: false, payout: undefined },
      ...{ model: 'lingua', bootstrap: [], tls: undefined, off: [] },
    });
    expect(parseOptions(['--network', 'e2e'])).toMatchObject({ data: '.data/e2e', model: 'tiny' });
  });

  it('take every flag', () => {
    const ws = `/ip4/127.0.0.1/tcp/1/ws/p2p/${PEER}`;
    const flags = ['--network', 'e2e', '--data', '/d', '--host', '::1', '--port', '0'];
    const more = ['--rtc-port', '65535', '--rpc-host', '0.0.0.0', '--rpc-port=1', '--mine'];
    const rest = ['--payout', 'rpila1', '--model', 'lingua', '--bootstrap', ws, '--tls', 'c,k'];
    const without = ['--without', 'header.state-root', '--bootstrap', ws];
    expect(parseOptions([...flags, ...more, ...rest, ...without])).toEqual({
      ...{ network: 'e2e', data: '/d', host: '::1', port: 0, rpcHost: '0.0.0.0', rpcPort: 1 },
      ...{ rtcPort: 65535, mine: true, payout: 'rpila1', model: 'lingua', bootstrap: [ws, ws] },
      ...{ tls: { cert: 'c', key: 'k' }, off: ['header.state-root'] },
    });
  });

  it('give way to help, which names every flag but the one for attack runs', () => {
    expect(parseOptions(['--port', 'x', '--help'])).toBeUndefined();
    for (const flag of ['network', 'data', 'host', 'port', 'rtc-port', 'rpc-host', 'rpc-port'])
      expect(HELP).toContain(`--${flag} `);
    expect(HELP).not.toContain('--without');
  });

  it.each([
    [['--colour', 'red'], "'--colour'"],
    [['extra'], "'extra'"],
    [['--mine=yes'], '--mine'],
    [['--port'], '--port'],
    [['--port', ''], 'from 0 to 65535'],
    [['--port', '65536'], "--port takes a port from 0 to 65535, not '65536'"],
    [['--rpc-port', '-1'], '--rpc-port'],
    [['--rtc-port', '1e3'], "not '1e3'"],
    [['--host', 'localhost'], "--host takes an IP address, not 'localhost'"],
    [['--rpc-host', '1.2.3'], '--rpc-host takes an IP address'],
    [['--network', 'mainnet'], '--network takes main, test, local, e2e'],
    [['--network', 'toString'], '--network takes'],
    [['--payout', 'rpila1'], '--payout needs --mine'],
    [['--bootstrap', 'http://x'], '--bootstrap takes a multiaddr'],
    [['--tls', 'cert.pem'], '--tls takes CERT,KEY'],
    [['--tls', 'a,b,c'], '--tls takes CERT,KEY'],
    [['--without', 'tx.nonce'], '--without is for the e2e network only'],
    [['--network', 'e2e', '--without', 'toString'], "--without: no rule 'toString'"],
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
