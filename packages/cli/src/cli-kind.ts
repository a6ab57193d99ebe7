import type { AnyResourceDefinition, Client, ObjectOf } from 'setpoint';

/** One column of `get`. */
export interface Column<Object> {
  /** In capitals: `READY`. */
  readonly name: string;
  readonly value: (object: Object, now: number) => string | number | undefined;
  /** Shown with `-o wide` only. */
  readonly wide?: boolean;
}

/** How far a rollout is. */
export interface RolloutProgress {
  readonly done: boolean;
  /** It will not get any further by itself. */
  readonly failed?: boolean;
  /** What it waits for, without the object's name: `1 out of 3 new replicas have been updated...` */
  readonly message: string;
  readonly current: number;
  readonly total: number;
}

/** One revision that can be gone back to. */
export interface RolloutRevision {
  readonly revision: number;
  readonly cause?: string | undefined;
  /** What of the spec it stands for; shown by `rollout history --revision`. */
  readonly content: unknown;
}

/** How `rollout` works with a kind. Each function that changes something returns the whole new spec. */
export interface Rollout<Object> {
  readonly progress: (object: Object) => RolloutProgress;
  /** Oldest first. */
  readonly history: (object: Object, client: Client) => Promise<readonly RolloutRevision[]>;
  readonly undo: (object: Object, to: RolloutRevision) => unknown;
  readonly isPaused: (object: Object) => boolean;
  readonly pause: (object: Object, paused: boolean) => unknown;
  readonly restart: (object: Object, now: string) => unknown;
}

export interface LogOptions {
  readonly follow: boolean;
  /** Only so many of the last lines; undefined for all. */
  readonly tail: number | undefined;
  /** Of the run before the present one. */
  readonly previous: boolean;
  readonly signal: AbortSignal;
}

/** What there is to say of a kind beyond its definition. Everything is optional: any kind can be listed and described. */
export interface CliKindOptions<Object> {
  readonly columns?: readonly Column<Object>[];
  /** Lines of `describe`, between the metadata and the conditions. Default: spec and status as they are. */
  readonly details?: (object: Object) => readonly (readonly [label: string, value: string])[];
  readonly scale?: {
    readonly replicas: (object: Object) => number;
    /** The spec with so many replicas. */
    readonly to: (object: Object, replicas: number) => unknown;
  };
  readonly rollout?: Rollout<Object>;
  /** The lines that the object has said. */
  readonly logs?: (object: Object, client: Client, options: LogOptions) => AsyncIterable<string>;
}

/** A kind that the command line knows. Made by {@link cliKind}. */
export interface CliKind extends CliKindOptions<ObjectOf<AnyResourceDefinition>> {
  readonly resource: AnyResourceDefinition;
}

/** A kind for the command line, with the types of its definition. */
export function cliKind<Definition extends AnyResourceDefinition>(
  resource: Definition,
  options: CliKindOptions<ObjectOf<Definition>> = {},
): CliKind {
  return { resource, ...(options as CliKindOptions<ObjectOf<AnyResourceDefinition>>) };
}

/** `deployments.example.dev`, as kubectl names a kind in an error. */
export function kindName({ plural, group }: AnyResourceDefinition): string {
  return `${plural}.${group}`;
}

/** `deployment.example.dev/web`, as kubectl names an object. */
export function objectName({ singular, group }: AnyResourceDefinition, name: string): string {
  return `${singular}.${group}/${name}`;
}
