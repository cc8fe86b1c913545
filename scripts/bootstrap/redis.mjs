import { apt, canUseApt, installCommand } from './apt.mjs';
import { onPath } from './on-path.mjs';
import { SetupError } from './report.mjs';

/** The path of a Redis or Valkey server, installed first where `canUseApt` allows it. Throws where there is none. */
export function bringRedis() {
  const found = () => onPath('redis-server') ?? onPath('valkey-server');
  if (!found() && canUseApt()) apt('redis-server');
  const path = found();
  if (path) return path;
  throw new SetupError(
    `a Redis server is needed: ${installCommand('redis')}\n(or say where one runs: REDIS_URL=redis://HOST:PORT)`,
  );
}
