import { describe, expect, it } from 'vitest';
import { examplePlatform } from '../testing/arbitrary-documents.js';
import { documentIssues } from './issues.js';
import { platformSchema, type PlatformDocument } from './platform.js';

type Spec = PlatformDocument['spec'];

const PROFILE = { seccompProfile: 'profiles/build.json' };
const problems = (more: { sandbox?: object; release?: object; tenant?: object }): readonly string[] => {
  const { spec } = examplePlatform;
  const changed: Record<keyof typeof more, unknown> = {
    sandbox: { ...spec.sandbox, ...more.sandbox },
    release: more.release,
    tenant: { ...spec.tenant, ...more.tenant },
  };
  const result = platformSchema.safeParse({ ...examplePlatform, spec: { ...spec, ...changed } as Spec });
  return result.success ? [] : documentIssues(result.error).map(({ field }) => field);
};

const registries = ['registry.example.com/releases/'];
const build = { repository: 'registry.example.com/releases/built/' };

describe('building images', () => {
  it('is fine where sandboxes may make user namespaces, and what is pushed may be released', () => {
    expect(problems({ sandbox: { userNamespaces: PROFILE }, release: { registries, build } })).toEqual([]);
    const appArmorProfile = 'fullstackagent-build';
    expect(problems({ sandbox: { userNamespaces: { ...PROFILE, appArmorProfile } } })).toEqual([]);
  });

  it.each<[string, Parameters<typeof problems>[0], string]>([
    ['without user namespaces', { release: { registries, build } }, 'release.build'],
    [
      'where it may not be released from',
      {
        sandbox: { userNamespaces: PROFILE },
        release: { registries, build: { repository: 'registry.example.com/other/' } },
      },
      'release.build.repository',
    ],
    [
      'where every pod has to meet "restricted"',
      { sandbox: { userNamespaces: PROFILE }, tenant: { podSecurity: 'restricted' } },
      'sandbox.userNamespaces',
    ],
    [
      'with a profile outside of the folder of profiles',
      { sandbox: { userNamespaces: { seccompProfile: '../../etc/x.json' } } },
      'sandbox.userNamespaces.seccompProfile',
    ],
    [
      'with a profile by its whole path',
      { sandbox: { userNamespaces: { seccompProfile: '/etc/x.json' } } },
      'sandbox.userNamespaces.seccompProfile',
    ],
    [
      'into a registry without an end',
      {
        sandbox: { userNamespaces: PROFILE },
        release: { registries, build: { repository: 'registry.example.com/releases' } },
      },
      'release.build.repository',
    ],
  ])('is refused %s', (_what, more, field) => {
    expect(problems(more)).toContain(`spec.${field}`);
  });
});
