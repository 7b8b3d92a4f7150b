/** The operator's listener: JSON-RPC on `POST /`, `GET /metrics`. */
import { answerRpc } from './rpc.ts';
import { guardLoopback, readBody, send, sendJson, type Route, type Routes } from '../http/http.ts';
import { healthRoute } from '../http/health.ts';
import { rpcMethods } from './rpc-methods.ts';
import type { SeedParts } from '../seed/seed.ts';

export function rpcRoutes(parts: SeedParts, metrics: () => Promise<string>): [Routes, Route] {
  const methods = rpcMethods(parts);
  const { rpcHost } = parts.options;
  return [
    {
      'POST /': async (request, response) => {
        guardLoopback(request, rpcHost);
        const answer = await answerRpc(methods, await readBody(request));
        if (answer === undefined) response.writeHead(204).end();
        else send(response, 200, 'application/json', answer);
      },
      'GET /health': healthRoute(parts),
      'GET /metrics': async (request, response) => {
        guardLoopback(request, rpcHost);
        send(response, 200, 'text/plain; version=0.0.4', await metrics());
      },
    },
    (_request, response) =>
      sendJson(response, 404, {
        code: 'NOT_FOUND',
        message: 'POST /, GET /metrics, GET /health, /v1',
      }),
  ];
}
