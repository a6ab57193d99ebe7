import type { Client, Clock, Store } from 'setpoint';
import type { CliKind } from './cli-kind.ts';

/** Where a command reads and writes. Replaced in tests. */
export interface Terminal {
  /** Adds a newline. */
  readonly out: (line: string) => void;
  readonly error: (line: string) => void;
  /** Without a newline: for what is drawn over. */
  readonly write: (text: string) => void;
  /** Whether what is written can be drawn over. */
  readonly isTTY: boolean;
}

/** The options that every command takes. */
export interface GlobalOptions {
  readonly endpoints?: string;
  readonly server?: string;
  readonly prefix: string;
  readonly namespace: string;
}

/** An open store and a client of it, for one command. */
export interface Connection {
  readonly store: Store;
  readonly client: Client;
  readonly prefix: string;
  readonly namespace: string;
}

/** What a command works with. */
export interface Session {
  readonly name: string;
  readonly kinds: readonly CliKind[];
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** Opens the store, lends it, and closes it, whatever happened. */
  readonly connected: (options: GlobalOptions, work: (connection: Connection) => Promise<void>) => Promise<void>;
}
