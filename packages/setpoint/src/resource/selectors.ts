import { invalid, invalidBecause, kindOf, quote } from './describe.ts';
import { validateQualifiedName } from './names.ts';
import { nearestName } from './nearest-name.ts';
import { isPlainObject } from './plain-json.ts';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** For In and NotIn: at least one. */
  readonly values?: readonly string[];
}

/** All of it must hold. An empty selector selects everything. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelRequirement[];
}

export type LabelPredicate = (labels: Readonly<Record<string, string>> | undefined) => boolean;

const SUBJECT = { what: 'Label selector' };
const NEXT = 'Write key=value, key!=value, key in (a,b), key notin (a,b), key or !key.';

/**
 * The predicate of a selector, given as an object or as text such as `app=web,tier!=db,env in (dev, test),!old`. As in
 * Kubernetes, NotIn and `!=` also select objects without the label. Throws `Invalid`.
 */
export function labelSelector(selector: LabelSelector | string): LabelPredicate {
  if (!['string', 'object'].includes(typeof selector) || selector === null || Array.isArray(selector)) {
    throw invalid(SUBJECT, 'labelSelector', 'an object or a text', kindOf(selector), NEXT);
  }
  const { matchLabels, matchExpressions } =
    typeof selector === 'string' ? parseLabelSelector(selector) : checked(selector);
  const equals = Object.entries(matchLabels ?? {}).map(([key, value]) =>
    requirement({ key, operator: 'In', values: [value] }),
  );
  const all = [...equals, ...(matchExpressions ?? []).map(requirement)];
  return (labels) => all.every((holds) => holds(labels));
}

const FIELDS: readonly string[] = ['matchLabels', 'matchExpressions'] satisfies (keyof LabelSelector)[];

/** Refuses what would select more than was meant: a part that isn't read is a condition less. */
function checked(selector: LabelSelector): LabelSelector {
  for (const name of Object.keys(selector)) {
    if (FIELDS.includes(name)) continue;
    const nearest = nearestName(name, FIELDS);
    const hint =
      nearest === undefined
        ? 'It takes matchLabels, an object of the labels and their values, and matchExpressions.'
        : `Did you mean ${quote(nearest)}?`;
    throw invalidBecause(SUBJECT, `labelSelector.${name}`, 'there is no such field', hint);
  }
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (!isPlainObject(matchLabels)) throw invalid(SUBJECT, 'matchLabels', 'an object', kindOf(matchLabels));
  if (!Array.isArray(matchExpressions)) {
    throw invalid(SUBJECT, 'matchExpressions', 'a list of requirements', kindOf(matchExpressions));
  }
  const at = matchExpressions.findIndex((each: unknown) => !isPlainObject(each));
  if (at >= 0) throw invalid(SUBJECT, `matchExpressions[${at}]`, 'a requirement', kindOf(matchExpressions[at]));
  return selector;
}

/** Reads the text form: requirements joined with commas. Throws `Invalid`. */
export function parseLabelSelector(text: string): LabelSelector {
  const terms = text.split(/,(?![^(]*\))/).map((term) => term.trim());
  if (terms.length === 1 && terms[0] === '') return {};
  return { matchExpressions: terms.map(parseTerm) };
}

function requirement({ key, operator, values }: LabelRequirement): LabelPredicate {
  validateQualifiedName(key, 'key', SUBJECT);
  const valueOf: (labels: Readonly<Record<string, string>> | undefined) => string | undefined = (labels) =>
    labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'Exists':
      return (labels) => valueOf(labels) !== undefined;
    case 'DoesNotExist':
      return (labels) => valueOf(labels) === undefined;
    case 'In':
    case 'NotIn': {
      if (!Array.isArray(values) || values.length === 0) {
        throw invalid(SUBJECT, key, `at least one value for ${operator}, in a list`, kindOf(values));
      }
      // A value that is none would be that of all objects without the label.
      const bad = values.findIndex((value: unknown) => typeof value !== 'string');
      if (bad >= 0) throw invalid(SUBJECT, key, 'a text', kindOf(values[bad]));
      const wanted = new Set<string | undefined>(values);
      return operator === 'In' ? (labels) => wanted.has(valueOf(labels)) : (labels) => !wanted.has(valueOf(labels));
    }
    default:
      throw invalid(SUBJECT, key, 'In, NotIn, Exists or DoesNotExist', quote(String(operator)));
  }
}

const SET = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const EQUALITY = /^([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)$/;
const EXISTENCE = /^(!?)\s*([^\s=!()]+)$/;

function parseTerm(term: string): LabelRequirement {
  const set = SET.exec(term);
  if (set) {
    const values = set[3]!.split(',').map((value) => value.trim());
    return { key: set[1]!, operator: set[2] === 'in' ? 'In' : 'NotIn', values };
  }
  const equality = EQUALITY.exec(term);
  if (equality) return { key: equality[1]!, operator: equality[2] === '!=' ? 'NotIn' : 'In', values: [equality[3]!] };
  const existence = EXISTENCE.exec(term);
  if (existence) return { key: existence[2]!, operator: existence[1] === '!' ? 'DoesNotExist' : 'Exists' };
  throw invalidBecause(SUBJECT, 'labelSelector', `can't read ${quote(term)}`, NEXT);
}
