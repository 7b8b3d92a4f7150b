/**
 * Serves the built app as a host does that knows nothing of it: files with their types, without a header of ours.
 * The network's settings are those of a real seed.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const TYPES: Record<string, string> = {
  js: 'text/javascript',
  css: 'text/css',
  html: 'text/html',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
  wasm: 'application/wasm',
  webmanifest: 'application/manifest+json',
  png: 'image/png',
};

export interface StaticHost {
  readonly url: string;
  stop(): void;
}

export interface HostOptions {
  /** Of the app. */
  readonly folder: string;
  /** Text of `config.json`. */
  readonly config: string;
  /** Headers for a path. */
  readonly headersOf?: (path: string) => Record<string, string>;
  /** File that is sent with status 200 where the asked one is missing, as many hosts do for apps of one page. */
  readonly otherwise?: string;
}

export async function serveStatic(options: HostOptions): Promise<StaticHost> {
  const { folder, config, headersOf = () => ({}), otherwise } = options;
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? '/', 'http://host').pathname;
    const path = asked === '/' ? '/index.html' : asked;
    if (path === '/config.json') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(config);
      return;
    }
    const isThere = existsSync(join(folder, path)) && statSync(join(folder, path)).isFile();
    const file = isThere ? path : otherwise;
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[file.split('.').pop()!] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, ...headersOf(path) });
    response.end(readFileSync(join(folder, file)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
