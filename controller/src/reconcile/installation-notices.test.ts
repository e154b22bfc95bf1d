import { expect, test } from 'vitest';
import { platform } from '../shared/documents-for-tests.js';
import { installationNotices, NoticeTeller, rollOutWarnings } from './installation-notices.js';

const forwardAuth = { url: 'https://a.example.com/auth', signIn: 'https://a.example.com/login' };
const guarded = {
  ...platform,
  spec: { ...platform.spec, exposure: { ...platform.spec.exposure, forwardAuth } },
};
const flux = { ...guarded, spec: { ...guarded.spec, delivery: { flux: {} } } };

test.each([
  ['auto', guarded, undefined],
  ['auto', flux, undefined],
  ['flux', flux, undefined],
  ['argocd', guarded, undefined],
  ['flux', guarded, /^No project is applied: .* Add "delivery: \{ flux: \{\} \}"/],
  ['argocd', flux, /Argo CD refuses\. Remove it/],
] as const)('who is counted on, and what is rendered for: %s', (choice, document, expected) => {
  const notices = installationNotices(choice, document);
  if (expected === undefined) expect(notices).toEqual([]);
  else expect(notices).toEqual([expect.stringMatching(expected) as string]);
});

test('without a platform there is nothing to say', () => {
  expect(installationNotices('flux', undefined)).toEqual([]);
  expect(rollOutWarnings(undefined, flux)).toEqual([]);
});

test('addresses that nobody guards are said to be open', () => {
  expect(installationNotices('auto', platform)).toEqual([
    expect.stringMatching(/^Apps are open .*\(exposure\.forwardAuth\)/) as string,
  ]);
  const gateway = { name: 'g', namespace: 'g' };
  const exposure = { ...platform.spec.exposure };
  delete exposure.ingressClass;
  const behind = { ...platform, spec: { ...platform.spec, exposure: { ...exposure, gateway } } };
  expect(installationNotices('auto', behind)).toEqual([
    expect.stringMatching(/^Apps are open .*Set up the gateway/) as string,
  ]);
});

test('leaving Flux is warned about; coming to it, and staying, is not', () => {
  expect(rollOutWarnings(flux, guarded)).toEqual([expect.stringContaining('flux suspend') as string]);
  expect([rollOutWarnings(guarded, flux), rollOutWarnings(flux, flux)]).toEqual([[], []]);
});

test('each is told once, and again when it comes back', () => {
  const told: string[] = [];
  const teller = new NoticeTeller((notice) => told.push(notice));
  for (const notices of [['a'], ['a'], [], ['a', 'b'], ['b']]) teller.look(notices);
  expect(told).toEqual(['a', 'a', 'b']);
});
