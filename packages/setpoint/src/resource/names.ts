import { invalid, kindOf, quote, type Subject } from './describe.ts';

const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const WORD = /^[A-Za-z0-9](?:[-_.A-Za-z0-9]*[A-Za-z0-9])?$/;

const LABEL_MAX = 63;
const SUBDOMAIN_MAX = 253;
/** Kubernetes' limit for all annotations of one object together. */
const ANNOTATIONS_MAX_BYTES = 256 * 1024;

/** A DNS-1123 label: at most 63 of `a-z`, `0-9` and inner `-`. */
export const isDnsLabel = (text: unknown): text is string =>
  typeof text === 'string' && text.length <= LABEL_MAX && LABEL.test(text);

/** A DNS-1123 subdomain: DNS labels joined with dots, at most 253 characters. */
export const isDnsSubdomain = (text: unknown): text is string =>
  typeof text === 'string' && text.length <= SUBDOMAIN_MAX && SUBDOMAIN.test(text);

const isWord = (text: string): boolean => text.length <= LABEL_MAX && WORD.test(text);

/** `name` or `dns.subdomain/name`, as label keys, annotation keys and finalizers are written. */
export function isQualifiedName(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  const slash = text.indexOf('/');
  if (slash === -1) return isWord(text);
  return isDnsSubdomain(text.slice(0, slash)) && isWord(text.slice(slash + 1));
}

/** What came in place of a name: the name itself, made printable, since names are no secrets. */
const cameName = (value: unknown): string => (typeof value === 'string' ? quote(value) : kindOf(value));

const SUBDOMAIN_RULE =
  'lower-case letters, digits, "-" and ".", starting and ending with a letter or digit, at most 253';
const LABEL_RULE = 'lower-case letters, digits and "-", starting and ending with a letter or digit, at most 63';
const QUALIFIED_RULE = 'a name of at most 63 letters, digits, "-", "_" and ".", with an optional "dns.prefix/"';

/** Refuses what is not an object name by Kubernetes' rules, with `Invalid`. No such name can leave its key prefix. */
export function validateName(name: unknown, path = 'metadata.name', subject: Subject = { what: 'Object' }): void {
  if (!isDnsSubdomain(name)) throw invalid(subject, path, SUBDOMAIN_RULE, cameName(name));
}

/** Refuses what is not a namespace name, with `Invalid`. */
export function validateNamespace(
  namespace: unknown,
  path = 'metadata.namespace',
  subject: Subject = { what: 'Object' },
): void {
  if (!isDnsLabel(namespace)) throw invalid(subject, path, LABEL_RULE, cameName(namespace));
}

/** Refuses what is not a qualified name (label key, annotation key, finalizer), with `Invalid`. */
export function validateQualifiedName(name: unknown, path: string, subject: Subject = { what: 'Object' }): void {
  if (!isQualifiedName(name)) throw invalid(subject, path, QUALIFIED_RULE, cameName(name));
}

/** Refuses labels with a bad key, or a value that isn't empty or a word of at most 63 characters, with `Invalid`. */
export function validateLabels(
  labels: Readonly<Record<string, string>>,
  path = 'metadata.labels',
  subject: Subject = { what: 'Object' },
): void {
  for (const [key, value] of Object.entries(labels)) {
    validateQualifiedName(key, path, subject);
    const fits = typeof value === 'string' && (value === '' || isWord(value));
    if (fits) continue;
    const came = typeof value === 'string' ? 'another string' : kindOf(value);
    throw invalid(subject, `${path}[${quote(key)}]`, 'at most 63 letters, digits, "-", "_" and "."', came);
  }
}

/** Refuses annotations with a bad key, a value that isn't a string, or more than 256 KiB in all, with `Invalid`. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>>,
  path = 'metadata.annotations',
  subject: Subject = { what: 'Object' },
): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    validateQualifiedName(key, path, subject);
    if (typeof value !== 'string') throw invalid(subject, `${path}[${quote(key)}]`, 'a string', kindOf(value));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > ANNOTATIONS_MAX_BYTES) {
    throw invalid(subject, path, `at most ${ANNOTATIONS_MAX_BYTES} bytes in all`, `${bytes} bytes`);
  }
}
