import { expect, test } from 'vitest';
import { challengesOf } from './challenge.js';

test.each([
  ['', []],
  ['Basic realm="a b"', [{ scheme: 'basic', parameters: { realm: 'a b' } }]],
  [
    'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull,push"',
    [
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.example.com/token',
          service: 'registry',
          scope: 'repository:a/b:pull,push',
        },
      },
    ],
  ],
  [
    'Negotiate, bearer Realm=x , error="in\\"valid", BASIC realm="y"',
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'bearer', parameters: { realm: 'x', error: 'in"valid' } },
      { scheme: 'basic', parameters: { realm: 'y' } },
    ],
  ],
  ['@@@', []],
])('%s', (header, expected) => {
  expect(challengesOf(header)).toEqual(expected);
});
