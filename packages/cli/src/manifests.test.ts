import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineResource } from 'setpoint';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { ManifestError, parseManifests, readManifests } from './manifests.ts';

const Deployment = defineResource({
  group: 'example.setpoint.dev',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  spec: z
    .object({
      replicas: z.int().min(0).default(1),
      maxSurge: z.int().min(0).default(1),
      maxUnavailable: z.int().min(0).default(0),
      template: z.object({ command: z.array(z.string()), port: z.int().default(0) }),
    })
    .refine(({ maxSurge, maxUnavailable }) => maxSurge + maxUnavailable > 0, {
      message: 'maxSurge and maxUnavailable must not both be zero',
      path: ['maxSurge'],
    }),
});
const kinds = [Deployment];

const HEAD = `apiVersion: example.setpoint.dev/v1
kind: Deployment
metadata:
  name: web
`;
const SPEC = 'spec: { template: { command: [node, a.js] } }\n';
const parse = (text: string) => parseManifests(text, 'web.yaml', kinds);

describe('parseManifests', () => {
  it('reads each document of a file, and skips empty ones', () => {
    const [first, second, ...more] = parse(
      `${HEAD}${SPEC}---\n---\n${HEAD.replace('web', 'other')}  labels: { a: b }\n${SPEC}---\n`,
    );
    expect(first).toMatchObject({
      definition: Deployment,
      name: 'web',
      spec: { template: { command: ['node', 'a.js'] } },
    });
    expect(second).toMatchObject({ name: 'other', labels: { a: 'b' } });
    expect(more).toEqual([]);
    expect(parse('')).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    [
      'a wrong value',
      `${HEAD}spec:\n  replicas: five\n  template: { command: [a] }\n`,
      /^web\.yaml:6:3: .*spec\.replicas: .*expected number.*a string/,
    ],
    [
      'a value out of bounds',
      `${HEAD}spec:\n  replicas: -1\n  template: { command: [a] }\n`,
      /^web\.yaml:6:3: .*spec\.replicas: .*>=\s?0/,
    ],
    [
      'an unknown field',
      `${HEAD}spec:\n  template: { command: [a] }\n  replcas: 3\n`,
      /^web\.yaml:7:3: .*spec\.replcas: .*Did you mean "replicas"\?/,
    ],
    [
      'an unknown field deep down',
      `${HEAD}spec:\n  template:\n    command: [a]\n    prot: 3\n`,
      /^web\.yaml:8:5: .*spec\.template\.prot: .*Did you mean "port"\?/,
    ],
    [
      'an element of a list',
      `${HEAD}spec:\n  template:\n    command:\n      - a\n      - 3\n`,
      /^web\.yaml:9:9: .*spec\.template\.command\[1\]: .*expected string/,
    ],
    [
      'a missing field, at what should hold it',
      `${HEAD}spec:\n  template:\n    port: 3\n`,
      /^web\.yaml:6:3: .*spec\.template\.command: .*got nothing/,
    ],
    ['a missing spec', HEAD, /^web\.yaml:1:1: spec: expected an object, got nothing/],
    [
      'a rule over two fields',
      `${HEAD}spec:\n  maxSurge: 0\n  template: { command: [a] }\n`,
      /^web\.yaml:6:3: .*spec\.maxSurge: .*must not both be zero/,
    ],
    [
      'an unknown kind',
      HEAD.replace('Deployment', 'Deploymnet') + SPEC,
      /^web\.yaml:2:1: kind: there is no kind "Deploymnet"\. Did you mean "Deployment"\?/,
    ],
    ['a kind that is like no other', HEAD.replace('Deployment', 'Pod') + SPEC, /There are Deployment\./],
    [
      'another version',
      HEAD.replace('dev/v1', 'dev/v2') + SPEC,
      /^web\.yaml:1:1: apiVersion: a Deployment has "example\.setpoint\.dev\/v1" here/,
    ],
    [
      'an unknown field of the envelope',
      `${HEAD}sepc: {}\n`,
      /^web\.yaml:5:1: sepc: there is no such field here\. Did you mean "spec"\?/,
    ],
    [
      'an unknown field of metadata',
      `${HEAD}  label: {}\n`,
      /^web\.yaml:5:3: metadata\.label: .*Did you mean "labels"\?/,
    ],
    [
      'a label that is no string',
      `${HEAD}  labels:\n    tier: 1\n${SPEC}`,
      /^web\.yaml:6:5: metadata\.labels\.tier: expected text, got a number/,
    ],
    ['no object at all', 'just words\n', /^web\.yaml:1:1: the manifest: expected an object with apiVersion/],
    [
      'a name that can be no key',
      HEAD.replace('web', 'Web_Site') + SPEC,
      /^web\.yaml:4:3: metadata\.name: .*expected lower-case letters/,
    ],
    ['broken YAML', `${HEAD}spec: [\n`, /^web\.yaml:\d+:\d+: this is not YAML: /],
    ['a field given twice', `${HEAD}kind: Node\n`, /^web\.yaml:5:1: this is not YAML: .*unique/],
    [
      'the second document of a file',
      `${HEAD}spec: { template: { command: [a] } }\n---\nkind: 3\n`,
      /^web\.yaml:7:1: /,
    ],
  ])('says where, what came and what was expected: %s', (_title, text, message) => {
    expect(() => parse(text)).toThrow(ManifestError);
    expect(() => parse(text)).toThrow(message);
  });
});

it('reads the manifests of a folder, and nothing that an editor keeps beside them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'manifests-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'web.yaml'), HEAD + SPEC);
  await writeFile(join(folder, '.web.yaml.swp'), 'not yaml: [');
  await symlink('somebody@host.4711', join(folder, '.#web.yaml'));
  await writeFile(join(folder, '.half-written.yaml'), 'not yaml: [');
  expect(await readManifests(folder, kinds)).toMatchObject([{ name: 'web' }]);
});
