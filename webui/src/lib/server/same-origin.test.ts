import { describe, expect, it } from 'vitest';
import { canonicalPage, isCrossSite, isOwnOrigin, type OriginFacts } from './same-origin.js';

const portal = 'http://localhost:3000';
const facts: OriginFacts = {
  method: 'POST',
  portal,
  origin: null,
  fetchSite: null,
  carriesCookie: true,
  isApi: true,
};

describe('isCrossSite', () => {
  it.each<[string, Partial<OriginFacts>, boolean]>([
    ['the portal', { origin: portal }, false],
    ['the portal, said by the browser', { origin: portal, fetchSite: 'same-origin' }, false],
    [
      'a forwarded port, said by the browser',
      { origin: 'http://localhost:8080', fetchSite: 'same-origin' },
      false,
    ],
    ['another site', { origin: 'https://evil.example' }, true],
    ['another site without a cookie', { origin: 'https://evil.example', carriesCookie: false }, true],
    ['another port of this machine', { origin: 'http://localhost:5173', fetchSite: 'same-site' }, true],
    [
      'an app of this installation',
      { origin: 'http://k3x9q2mvt7ab.localhost:3001', fetchSite: 'cross-site' },
      true,
    ],
    ['the portal by the wrong scheme', { origin: 'https://localhost:3000' }, true],
    ['an opaque origin', { origin: 'null' }, true],
    ['a navigation that the person started', { fetchSite: 'none' }, true],
    ['a program with a cookie and no origin', {}, true],
    ['a program without a cookie', { carriesCookie: false }, false],
    ['a form without an origin', { carriesCookie: false, isApi: false }, true],
    ['a form of the portal', { origin: portal, isApi: false }, false],
    ['reading from another site', { method: 'GET', origin: 'https://evil.example' }, false],
    ['deleting from another site', { method: 'DELETE', origin: 'https://evil.example' }, true],
    ['a method that nobody knows', { method: 'PURGE', origin: 'https://evil.example' }, true],
  ])('%s', (_, given, expected) => {
    expect(isCrossSite({ ...facts, ...given })).toBe(expected);
  });
});

describe('isOwnOrigin, for WebSockets', () => {
  it.each<[string, string | undefined, string, string, boolean]>([
    ['the portal', portal, portal, 'localhost:3000', true],
    ['no origin', undefined, portal, 'localhost:3000', false],
    ['another site', 'https://evil.example', portal, 'localhost:3000', false],
    ['a forwarded port', 'http://localhost:8080', portal, 'localhost:8080', true],
    ['another port of this machine', 'http://localhost:5173', portal, 'localhost:3000', false],
    ['an app of this installation', 'http://abc.localhost:3000', portal, 'abc.localhost:3000', false],
    ['a name that was pointed at this machine', 'http://evil.example', portal, 'evil.example', false],
    ['an insecure page of a secure portal', 'http://p.example', 'https://p.example', 'p.example', false],
    ['an opaque origin', 'null', portal, 'localhost:3000', false],
  ])('%s', (...[, origin, own, host, expected]) => {
    expect(isOwnOrigin(origin, { portal: own, host })).toBe(expected);
  });
});

describe('canonicalPage', () => {
  it.each<[string, string | null, string, string | undefined]>([
    [
      '127.0.0.1 to localhost',
      '127.0.0.1:3000',
      'http://localhost:3000/a?b=c',
      'http://localhost:3000/a?b=c',
    ],
    ['::1 to localhost', '[::1]:3000', 'http://localhost:3000/', 'http://localhost:3000/'],
    ['localhost stays', 'localhost:3000', 'http://localhost:3000/', undefined],
    ['a forwarded port stays', '127.0.0.1:8080', 'http://localhost:3000/', undefined],
    ['a name stays', 'portal.example', 'http://localhost:3000/', undefined],
    ['no host', null, 'http://localhost:3000/', undefined],
    ['an installation with a name', '127.0.0.1', 'https://portal.example/', undefined],
  ])('%s', (...[, host, url, expected]) => {
    expect(canonicalPage(host, new URL(url))).toBe(expected);
  });
});
