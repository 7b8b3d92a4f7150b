/** Pages of other origins that may call routes: those that an operator named (CORS). A key is wanted all the same. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../lib/errors.ts';
import { mapRoutes, type Route, type Routes } from './http.ts';

/** Seconds for which a browser need not ask again. */
const MAX_AGE_S = 600;
const EXPOSED = 'retry-after, www-authenticate';

/**
 * Adds to each path the answer to a browser that asks first. What a page of an origin that was not named posts throws
 * ORIGIN_REFUSED: its browser sends it all the same, and each would count as a call of that browser's address.
 */
export function forOrigins(routes: Routes, origins: readonly string[]): Routes {
  const known = mapRoutes(routes, (route, name) => (request, response) => {
    const { origin, host } = request.headers;
    const isKnown = origin === undefined || origins.includes(origin) || hostOf(origin) === host;
    if (!isKnown && name.startsWith('POST '))
      throw new AppError('ORIGIN_REFUSED', 'pages of this origin may not call: see --api-origin');
    return route(request, response);
  });
  return origins.length ? withCors(known, origins) : known;
}

const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined;

function withCors(routes: Routes, origins: readonly string[]): Routes {
  const allow = ({ headers }: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('vary', 'origin');
    const { origin } = headers;
    if (origin === undefined || !origins.includes(origin)) return;
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', EXPOSED);
  };
  const preflight: Route = (request, response) => {
    allow(request, response);
    response.setHeader('access-control-allow-methods', 'GET, POST');
    // The star stands for all but this one: clients send some of their own.
    response.setHeader('access-control-allow-headers', 'authorization, *');
    response.setHeader('access-control-max-age', MAX_AGE_S);
    response.writeHead(204).end();
  };
  return Object.fromEntries(
    Object.entries(routes).flatMap(([name, route]): [string, Route][] => [
      [
        name,
        (request, response) => {
          allow(request, response);
          return route(request, response);
        },
      ],
      [`OPTIONS ${name.slice(name.indexOf(' ') + 1)}`, preflight],
    ]),
  );
}
