import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Whether a request was meant for us. A web page can make a browser send requests to 127.0.0.1 under the page's own
 * name, by pointing that name at it (DNS rebinding), and then read the answers. Such a request carries the page's name as
 * its Host: so names are only taken where they are known. Addresses can't be rebound, and always pass.
 */
export function isKnownHost({ headers }: IncomingMessage, allowedHosts: readonly string[]): boolean {
  const name = hostName(headers.host ?? '');
  if (name === undefined) return false;
  if (isIP(name) !== 0) return true;
  return name === 'localhost' || name.endsWith('.localhost') || allowedHosts.some((one) => one.toLowerCase() === name);
}

/** Whether a page of another site made a browser send this. */
export function isCrossSite({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return headers.origin !== undefined || (site !== undefined && site !== 'none' && site !== 'same-origin');
}

/** `Example.org:80` → `example.org`, `[::1]:80` → `::1`; undefined for what is no host. */
function hostName(header: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/.exec(header.toLowerCase()) ?? [];
  return bracketed ?? plain;
}

/** Whether only this machine can reach what listens here. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
