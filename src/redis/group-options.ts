import type { RedisOptions } from 'ioredis';
import type { RedisAddress } from '../config/redis-address.ts';
import { createClusterConnector } from './cluster-connector.ts';

/** Where another server may have taken over, a silent one is left the sooner. */
const SILENT_MASTER_MS = 2_500;

/** Of one Sentinel, before the next one is asked. */
const SENTINEL_TIMEOUT_MS = 1_000;

/** What ioredis needs to find the master behind an address of several servers, besides the `options` that it has. */
export function groupOptions(
  address: Exclude<RedisAddress, { kind: 'single' }>,
  prefix: string,
  { socketTimeout = SILENT_MASTER_MS }: RedisOptions,
): RedisOptions {
  const { username, password } = address;
  const login = { username, password, ...(address.tls && { tls: {} }) };
  if (address.kind === 'cluster') {
    const { nodes } = address;
    return { ...login, socketTimeout, Connector: createClusterConnector({ nodes, tag: `{${prefix}}`, login }) };
  }
  return {
    ...login,
    socketTimeout,
    sentinels: [...address.sentinels],
    name: address.master,
    db: address.db,
    sentinelUsername: address.sentinelUsername,
    sentinelPassword: address.sentinelPassword,
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    ...(address.tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  };
}
