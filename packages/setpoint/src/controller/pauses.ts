import { SetpointError } from '../errors/index.ts';
import { namespaceOf } from '../workqueue/index.ts';

/** Part of a controller's keys. */
export type PauseScope = { readonly key: string } | { readonly namespace: string };

/** What is not to be handed out: everything, some namespaces, some keys. */
export class Pauses {
  #all = false;
  readonly #keys = new Set<string>();
  readonly #namespaces = new Set<string>();

  get all(): boolean {
    return this.#all;
  }

  /** What is paused beside or below everything, as scopes. */
  get scopes(): readonly PauseScope[] {
    return [
      ...Array.from(this.#namespaces, (namespace) => ({ namespace })),
      ...Array.from(this.#keys, (key) => ({ key })),
    ];
  }

  has(key: string): boolean {
    if (this.#keys.size > 0 && this.#keys.has(key)) return true;
    return this.#namespaces.size > 0 && this.#namespaces.has(namespaceOf(key));
  }

  /** @throws Invalid for a scope that is neither. */
  add(scope: PauseScope | undefined): void {
    const [set, value] = this.#place(scope);
    if (set) set.add(value);
    else this.#all = true;
  }

  /** Resuming everything also resumes each namespace and key. */
  remove(scope: PauseScope | undefined): void {
    const [set, value] = this.#place(scope);
    if (set) return void set.delete(value);
    this.#all = false;
    this.#keys.clear();
    this.#namespaces.clear();
  }

  #place(scope: PauseScope | undefined): [Set<string> | undefined, string] {
    if (scope === undefined) return [undefined, ''];
    if ('key' in scope && typeof scope.key === 'string') return [this.#keys, scope.key];
    if ('namespace' in scope && typeof scope.namespace === 'string') return [this.#namespaces, scope.namespace];
    throw new SetpointError(
      'Invalid',
      'what to pause must be { key } or { namespace }, both strings, or nothing for all',
    );
  }
}
