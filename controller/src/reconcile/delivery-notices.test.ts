import { expect, test } from 'vitest';
import { platform } from '../shared/documents-for-tests.js';
import { deliveryNotices, NoticeTeller, rollOutWarnings } from './delivery-notices.js';

const flux = { ...platform, spec: { ...platform.spec, delivery: { flux: {} } } };

test.each([
  ['auto', platform, undefined],
  ['auto', flux, undefined],
  ['flux', flux, undefined],
  ['argocd', platform, undefined],
  ['flux', platform, /^No project is applied: .* Add "delivery: \{ flux: \{\} \}"/],
  ['argocd', flux, /Argo CD refuses\. Remove it/],
] as const)('who is counted on, and what is rendered for: %s', (choice, document, expected) => {
  const notices = deliveryNotices(choice, document);
  if (expected === undefined) expect(notices).toEqual([]);
  else expect(notices).toEqual([expect.stringMatching(expected) as string]);
});

test('without a platform there is nothing to say', () => {
  expect(deliveryNotices('flux', undefined)).toEqual([]);
  expect(rollOutWarnings(undefined, flux)).toEqual([]);
});

test('leaving Flux is warned about; coming to it, and staying, is not', () => {
  expect(rollOutWarnings(flux, platform)).toEqual([expect.stringContaining('flux suspend') as string]);
  expect([rollOutWarnings(platform, flux), rollOutWarnings(flux, flux)]).toEqual([[], []]);
});

test('each is told once, and again when it comes back', () => {
  const told: string[] = [];
  const teller = new NoticeTeller((notice) => told.push(notice));
  for (const notices of [['a'], ['a'], [], ['a', 'b'], ['b']]) teller.look(notices);
  expect(told).toEqual(['a', 'a', 'b']);
});
