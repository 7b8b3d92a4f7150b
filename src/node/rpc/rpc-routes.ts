/** The operator's listener: JSON-RPC on `POST /`, `GET /metrics`. */
import { answerRpc } from './rpc.ts';
import { guardLoopback, readBody, send, sendJson, type Routes } from '../http/http.ts';
import { healthRoute } from '../http/health.ts';
import { statusOf } from '../http/status.ts';
import { rpcMethods } from './rpc-methods.ts';
import type { SeedDeps } from '../seed/seed-deps.ts';

export function rpcRoutes(deps: SeedDeps, metrics: () => Promise<string>): Routes {
  const methods = rpcMethods(deps);
  const { rpcHost } = deps.options;
  return {
    'POST /': async (request, response) => {
      guardLoopback(request, rpcHost);
      const answer = await answerRpc(methods, await readBody(request));
      if (answer === undefined) response.writeHead(204).end();
      else send(response, 200, 'application/json', answer);
    },
    'GET /health': healthRoute(deps),
    'GET /status.json': (request, response) => {
      guardLoopback(request, rpcHost);
      sendJson(response, 200, statusOf(deps));
    },
    'GET /metrics': async (request, response) => {
      guardLoopback(request, rpcHost);
      send(response, 200, 'text/plain; version=0.0.4', await metrics());
    },
  };
}
