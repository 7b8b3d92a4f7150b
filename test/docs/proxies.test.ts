import { expect, test } from 'vitest';
import { documented } from '../siege/proxies.ts';

test('the handbook says how Caddy, nginx and the kernel are set, in blocks that the siege uses', () => {
  for (const proxy of ['caddy', 'nginx'] as const)
    expect(documented(proxy)).toContain('127.0.0.1:$SEED');
  expect(documented('sysctl')).toContain('tcp_wmem = ');
});
