/** libp2p's own figures in a registry of Prometheus: for a seed alone, as it loads parts of Node.js. */
import { prometheusMetrics } from '@libp2p/prometheus-metrics';
import type { HostOptions } from './host.ts';

type Registry = NonNullable<Parameters<typeof prometheusMetrics>[0]>['registry'];

/**
 * Labels are protocols, kinds of events and errors, and this host's own addresses: never a peer's id or address.
 * @param folder on the disk whose room is told
 */
export const libp2pMetrics = (
  registry: Registry,
  folder: string,
): NonNullable<HostOptions['metrics']> =>
  prometheusMetrics({ registry, collectDefaultMetrics: false, statfsLocation: folder });
