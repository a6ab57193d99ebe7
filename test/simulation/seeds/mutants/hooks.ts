/**
 * Module hooks, in the thread that Node runs them in: a module that is imported as `…?mutant=21` imports everything of
 * this repository likewise, and so gets a whole runtime of its own in which that one file is changed.
 */
import { heldOut, mutants } from './mutants.ts';
import { mutated } from './mutant.ts';

interface Resolved {
  readonly url: string;
}
interface Loaded {
  readonly source?: string | Uint8Array;
}
type Next<Answer> = (subject: string, context: unknown) => Promise<Answer>;

const all = [...mutants, ...heldOut];
const mark = (url: string | undefined): string | undefined => /[?&]mutant=([^&]+)/.exec(url ?? '')?.[1];

export async function resolve(
  specifier: string,
  context: { readonly parentURL?: string },
  next: Next<Resolved>,
): Promise<Resolved> {
  const found = await next(specifier, context);
  const number = mark(context.parentURL);
  const ours = found.url.startsWith('file:') && !found.url.includes('/node_modules/');
  if (number === undefined || !ours || mark(found.url) !== undefined) return found;
  return { ...found, url: `${found.url}?mutant=${number}` };
}

export async function load(url: string, context: unknown, next: Next<Loaded>): Promise<Loaded> {
  const loaded = await next(url, context);
  const mutant = all.find(({ number }) => String(number) === mark(url));
  if (!mutant || !url.split('?')[0]!.endsWith(`/dist/${mutant.file}.js`)) return loaded;
  const source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source ?? '').toString();
  return { ...loaded, source: mutated(source, mutant) };
}
