import type { Socket } from 'node:net';

/**
 * Ends a connection by a reset, or closes it when this side has said its last already: libuv refuses to reset a handle
 * whose shutdown is under way, and Node takes it for closed then. It stays open, and the process never leaves its exit.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
