/** A wall-clock time in milliseconds since 1970, as objects carry it: RFC 3339 in UTC. */
export const timestamp = (wallMs: number): string => new Date(wallMs).toISOString();
